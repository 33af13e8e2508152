package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Seat is a session's place in a chat app, where it has a tag and, once somebody
// took it, a human.
type Seat struct{ ent.Schema }

// Mixin returns the shared fields.
func (Seat) Mixin() []ent.Mixin { return []ent.Mixin{inSession{}, created{}} }

// Fields returns the columns.
func (Seat) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("connection_id").Immutable(),
		field.String("tag").Immutable(),
		field.String("person").Default("").Comment("who took it, as the vendor knows them; empty = nobody"),
		field.String("person_name").Default(""),
		field.Text("words").Default("").Comment("what the customer said last"),
		moment("take_time"),
		moment("show_time"), // when something of it was last shown
	}
}

// Edges returns the relations.
func (Seat) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("session", Session.Type).Ref("seats").Field("session_num").Unique().Required().Immutable(),
	}
}

// Indexes returns the indexes.
func (Seat) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("session_num").Unique().StorageKey("seat_session"),
		index.Fields("connection_id", "tag").StorageKey("seat_tag"),
	}
}

// SeatMessage is a message of a chat app that belongs to a session, whoever wrote
// it: somebody may quote it.
type SeatMessage struct{ ent.Schema }

// Mixin returns the shared fields.
func (SeatMessage) Mixin() []ent.Mixin { return []ent.Mixin{inSession{}} }

// Fields returns the columns.
func (SeatMessage) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("connection_id").Immutable(),
		field.String("vendor_id").Immutable(),
		field.String("person").Immutable().Comment("whose line of messages it is in"),
		field.String("delivery").Immutable().Default("").Comment("idempotency key of the delivery that it is of"),
	}
}

// Edges returns the relations.
func (SeatMessage) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("session", Session.Type).Ref("seat_messages").Field("session_num").Unique().Required().Immutable(),
	}
}

// Indexes returns the indexes.
func (SeatMessage) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("connection_id", "vendor_id").Unique().StorageKey("seat_message_vendor"),
		index.Fields("session_num", "delivery").StorageKey("seat_message_session"),
	}
}
