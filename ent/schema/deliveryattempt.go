package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// DeliveryAttempt is one attempt to deliver that failed. One that succeeded has
// no row: its delivery tells all of it.
type DeliveryAttempt struct{ ent.Schema }

// Fields returns the columns.
func (DeliveryAttempt) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("delivery_id").Immutable(),
		field.Int("number").Immutable().Comment("of the attempt, from 1"),
		field.Int64("time").Immutable().Comment(microseconds),
		field.String("class").Immutable().Comment("of the error"),
		field.Text("detail").Immutable(),
	}
}

// Edges returns the relations.
func (DeliveryAttempt) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("delivery", Delivery.Type).Ref("failures").Field("delivery_id").Unique().Required().Immutable(),
	}
}

// Indexes returns the indexes.
func (DeliveryAttempt) Indexes() []ent.Index {
	return []ent.Index{index.Fields("delivery_id", "number").Unique().StorageKey("delivery_attempt")}
}
