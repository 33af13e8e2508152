package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Quarantined is a webhook that is genuine and could not be understood. It is
// kept, sealed, so that it can be looked at and tried again.
type Quarantined struct{ ent.Schema }

// Fields returns the columns.
func (Quarantined) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("connection_id").Immutable(),
		field.String("agent_id").Immutable(),
		field.String("provider").Immutable(),
		field.Text("reason").Comment("why it could not be taken"),
		field.Bytes("request").Immutable().Comment("the webhook, sealed"),
		field.Bytes("digest").Immutable().Comment("the same for each repeat"),
		field.Int("count").Default(1).Comment("how often it came"),
		field.Int64("time").Comment(microseconds + "; when it came last"),
	}
}

// Indexes returns the indexes.
func (Quarantined) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("connection_id", "digest").Unique().StorageKey("quarantined_digest"),
		index.Fields("time").StorageKey("quarantined_time"),
	}
}
