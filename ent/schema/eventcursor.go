package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// EventCursor is how far an event webhook got with a session's log.
type EventCursor struct{ ent.Schema }

// Mixin returns the shared fields.
func (EventCursor) Mixin() []ent.Mixin { return []ent.Mixin{inSession{}} }

// Fields returns the columns.
func (EventCursor) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("agent_id").Immutable(),
		field.Int64("delivered").Default(0).Comment("sequence"),
		field.Bool("pending").Default(false).Comment("there is, or may be, something to deliver"),
		field.Int("attempts").Default(0).Comment("of the event that is due, without success"),
		moment("next_attempt"),
		moment("failing_since"),
		field.Text("last_error").Default(""),
	}
}

// Edges returns the relations.
func (EventCursor) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("session", Session.Type).Ref("event_cursors").Field("session_num").Unique().Required().Immutable(),
	}
}

// Indexes returns the indexes. The pending ones are few.
func (EventCursor) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("session_num").Unique().StorageKey("event_cursor_session"),
		index.Fields("agent_id", "session_num").StorageKey("event_cursor_agent"),
		index.Fields("session_num").StorageKey("event_cursor_pending").
			Annotations(entsql.IndexWhere("pending")),
	}
}
