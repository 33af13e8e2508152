package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// IdempotencyKey remembers what an update under a key led to, so that its
// repeat does nothing.
type IdempotencyKey struct{ ent.Schema }

// Mixin returns the shared fields.
func (IdempotencyKey) Mixin() []ent.Mixin { return []ent.Mixin{inSession{}} }

// Fields returns the columns.
func (IdempotencyKey) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("key").Immutable(),
		field.Int64("sequence").Immutable().Comment("of the event that it stands for; 0 = none"),
	}
}

// Edges returns the relations.
func (IdempotencyKey) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("session", Session.Type).Ref("idempotency_keys").Field("session_num").Unique().Required().Immutable(),
	}
}

// Indexes returns the indexes.
func (IdempotencyKey) Indexes() []ent.Index {
	return []ent.Index{index.Fields("session_num", "key").Unique().StorageKey("idempotency_key")}
}
