package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// LateMessage is what a human said after the close.
type LateMessage struct{ ent.Schema }

// Mixin returns the shared fields.
func (LateMessage) Mixin() []ent.Mixin { return []ent.Mixin{inSession{}} }

// Fields returns the columns.
func (LateMessage) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("time").Immutable().Comment(microseconds),
		field.Text("author_name").Immutable(),
		field.Text("text").Immutable(),
	}
}

// Edges returns the relations.
func (LateMessage) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("session", Session.Type).Ref("late_messages").Field("session_num").Unique().Required().Immutable(),
	}
}

// Indexes returns the indexes.
func (LateMessage) Indexes() []ent.Index {
	return []ent.Index{index.Fields("session_num", "id").StorageKey("late_message_session")}
}
