package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// HeldStatus is what a vendor told of a message before it answered the call that
// brought it: it waits until the vendor's id of the message is known.
type HeldStatus struct{ ent.Schema }

// Fields returns the columns.
func (HeldStatus) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("connection_id").Immutable(),
		field.String("vendor_id").Immutable(),
		field.Text("payload").Immutable().Comment("JSON"),
		field.Int64("time").Immutable().Comment(microseconds),
	}
}

// Indexes returns the indexes.
func (HeldStatus) Indexes() []ent.Index {
	return []ent.Index{index.Fields("connection_id", "vendor_id").StorageKey("held_status_vendor")}
}
