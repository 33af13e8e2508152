package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// EventWebhook is where an agent's backend gets all events; its id is the agent's.
type EventWebhook struct{ ent.Schema }

// Mixin returns the shared fields.
func (EventWebhook) Mixin() []ent.Mixin { return []ent.Mixin{textID{}, created{}} }

// Fields returns the columns.
func (EventWebhook) Fields() []ent.Field {
	return []ent.Field{
		field.Text("url"),
		field.Bytes("secret").Comment("sealed"),
		field.Text("kinds").Comment("JSON, a list; empty = all"),
		field.String("disabled").Default("").Comment("why; empty = it is not"),
		moment("disable_time"),
		moment("failing_since"),
		field.Text("last_error").Default(""),
		field.Int64("version"),
		field.Int64("first_num").Immutable().Comment("the newest session when it was set: older ones begin where their cursor says"),
		field.Int64("checkpoint").Comment("what changed up to here is delivered, or its cursor is pending"),
	}
}
