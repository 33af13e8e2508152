package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// Agent is an AI agent as its operator configured it.
type Agent struct{ ent.Schema }

// Mixin returns the shared fields.
func (Agent) Mixin() []ent.Mixin { return []ent.Mixin{textID{}, created{}} }

// Fields returns the columns.
func (Agent) Fields() []ent.Field {
	return []ent.Field{
		field.Text("settings").Comment("JSON, without defaults"),
		// Not a foreign key: connections point at agents already, and a circle
		// of keys could not be filled in one go.
		field.String("connection_id").Default("").Comment("the current one; empty = none"),
		field.Int64("version"),
	}
}

// Edges returns the relations.
func (Agent) Edges() []ent.Edge {
	return []ent.Edge{edge.To("connections", Connection.Type)}
}
