package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Connection is an account at a provider that an agent uses or used.
type Connection struct{ ent.Schema }

// Mixin returns the shared fields.
func (Connection) Mixin() []ent.Mixin { return []ent.Mixin{textID{}, created{}} }

// Fields returns the columns.
func (Connection) Fields() []ent.Field {
	return []ent.Field{
		field.String("agent_id").Immutable(),
		field.String("kind"),
		field.Text("account"),
		field.String("receive_token"),
		field.Bytes("config").Comment("the provider's settings, sealed"),
		field.Text("secrets_set").Comment("JSON, a list of names"),
		field.String("state").Default("").Comment("of the status"),
		field.Text("status").Comment("JSON: the rest of it"),
		field.Int64("version"),
	}
}

// Edges returns the relations.
func (Connection) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("agent", Agent.Type).Ref("connections").Field("agent_id").Unique().Required().Immutable(),
	}
}

// Indexes returns the indexes.
func (Connection) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("agent_id"),
		index.Fields("kind", "receive_token"), // an inbound webhook
		index.Fields("state").StorageKey("connection_unavailable").
			Annotations(entsql.IndexWhere("state = 'unavailable'")),
	}
}
