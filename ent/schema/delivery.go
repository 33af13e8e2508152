package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Delivery is one call that a provider has to get.
type Delivery struct{ ent.Schema }

// Mixin returns the shared fields.
func (Delivery) Mixin() []ent.Mixin { return []ent.Mixin{inSession{}, created{}} }

// Fields returns the columns.
func (Delivery) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("kind").Immutable(),
		field.Int64("sequence").Immutable().Default(0).Comment("of the message's event; 0 = no message"),
		field.String("message_id").Immutable().Default(""),
		field.Text("payload").Immutable().Default("").Comment("JSON, of a start alone"),

		field.String("state"),
		field.Int("attempts").Default(0),
		moment("last_attempt"),
		moment("next_attempt"),
		field.Text("last_error").Default(""),
		field.Text("vendor_id").Default(""),
		field.Text("degraded").Default("").Comment("what the provider could not carry"),
		moment("settle_time"),
		moment("read_time"),
		moment("retry_time"), // when an operator last had it sent again
	}
}

// Edges returns the relations.
func (Delivery) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("session", Session.Type).Ref("deliveries").Field("session_num").Unique().Required().Immutable(),
		edge.To("failures", DeliveryAttempt.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes returns the indexes. The lane's holds what waits and stays small, and
// that of failures costs what goes well nothing.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("session_num", "id").StorageKey("delivery_lane").
			Annotations(entsql.IndexWhere("state = 'pending'")),
		index.Fields("session_num", "sequence").StorageKey("delivery_message"),
		index.Fields("message_id").StorageKey("delivery_message_id").
			Annotations(entsql.IndexWhere("message_id <> ''")),
		index.Fields("id").StorageKey("delivery_failed").
			Annotations(entsql.IndexWhere("state = 'failed'")),
		index.Fields("vendor_id").StorageKey("delivery_vendor").
			Annotations(entsql.IndexWhere("vendor_id <> ''")),
	}
}
