package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Session is one handoff. Its number is for the tables alone: it keeps their
// keys short and rises in the order of creation. The id is what others know.
type Session struct{ ent.Schema }

// Mixin returns the shared fields.
func (Session) Mixin() []ent.Mixin { return []ent.Mixin{created{}} }

// Fields returns the columns.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").StorageKey("num"),
		field.String("public_id").StorageKey("id").NotEmpty().Unique().Immutable(),
		field.String("agent_id").Immutable(),
		field.String("conversation_id").Immutable(),
		field.String("request_id").Immutable().Default(""),
		field.String("user_id").Immutable().Default("").Comment("who the customer is, as a backend said"),
		field.String("connection_id").Immutable(),
		field.String("provider").Immutable(),
		field.Text("details").Immutable().Comment("JSON: the customer and what was asked"),

		field.String("state"),
		field.String("close_reason").Default(""),
		field.Text("outcome_disposition").Default(""),
		field.Text("outcome_note").Default(""),
		field.String("ref_id").Default("").Comment("what the provider calls the session"),
		field.Text("ref_data").Default(""),
		field.String("assignee").Default("").Comment("the human who has it, at a desk that tells"),
		field.Text("assign_note").Default(""),
		moment("wait_due"),
		moment("idle_due"),
		moment("silence_due"),
		moment("expiry_due"),
		moment("due"), // the earliest of them
		field.Bool("prompted").Default(false).Comment("a wait prompt is open"),
		moment("activate_time"),
		moment("close_time"),
		field.Int64("last_sequence"),
		field.Int64("epoch"),
		field.Int64("change").Default(0).Comment("place of its latest change in the order of all sessions' changes"),
	}
}

// Edges returns the relations.
func (Session) Edges() []ent.Edge {
	cascade := entsql.OnDelete(entsql.Cascade)
	return []ent.Edge{
		edge.To("deliveries", Delivery.Type).Annotations(cascade),
		edge.To("idempotency_keys", IdempotencyKey.Type).Annotations(cascade),
		edge.To("late_messages", LateMessage.Type).Annotations(cascade),
		edge.To("event_cursors", EventCursor.Type).Annotations(cascade),
		edge.To("files", File.Type).Annotations(entsql.OnDelete(entsql.SetNull)),
		edge.To("seats", Seat.Type).Annotations(cascade),
		edge.To("seat_messages", SeatMessage.Type).Annotations(cascade),
	}
}

// Indexes returns the indexes. The partial unique ones are rules: a conversation
// has one open session, and a request id leads to one session.
func (Session) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("agent_id", "conversation_id").Unique().StorageKey("session_open").
			Annotations(entsql.IndexWhere("state <> 'closed'")),
		index.Fields("agent_id", "request_id").Unique().StorageKey("session_request").
			Annotations(entsql.IndexWhere("request_id <> ''")),
		index.Fields("agent_id", "user_id", "id").StorageKey("session_user").
			Annotations(entsql.IndexWhere("user_id <> ''")),
		index.Fields("agent_id", "conversation_id", "id").StorageKey("session_conversation"),
		index.Fields("agent_id", "id").StorageKey("session_agent"),
		index.Fields("due").StorageKey("session_due").
			Annotations(entsql.IndexWhere("due > 0")),
		index.Fields("state", "change").StorageKey("session_change"),
		index.Fields("connection_id", "ref_id").StorageKey("session_ref").
			Annotations(entsql.IndexWhere("ref_id <> ''")),
	}
}
