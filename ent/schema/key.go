package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Key is an API key; its secret is known by its hash alone.
type Key struct{ ent.Schema }

// Mixin returns the shared fields.
func (Key) Mixin() []ent.Mixin { return []ent.Mixin{textID{}, created{}} }

// Fields returns the columns.
func (Key) Fields() []ent.Field {
	return []ent.Field{
		field.Bytes("hash").NotEmpty().Unique().Immutable().Comment("SHA-256 of the secret"),
		field.String("scope").Immutable(),
		field.String("agent_id").Immutable().Default(""),
		field.Text("name").Immutable().Default(""),
		moment("last_used_time"),
		moment("revoke_time"),
	}
}
