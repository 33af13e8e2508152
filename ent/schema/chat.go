package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// ChatHuman is a human of a desk that is a chat app.
type ChatHuman struct{ ent.Schema }

// Fields returns the columns.
func (ChatHuman) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("connection_id").Immutable(),
		field.String("person").Immutable().Comment("as the vendor knows them"),
		field.String("pin").Default("").Comment("tag of the session that they chose last"),
		moment("pin_time"),
	}
}

// Indexes returns the indexes.
func (ChatHuman) Indexes() []ent.Index {
	return []ent.Index{index.Fields("connection_id", "person").Unique().StorageKey("chat_human_person")}
}

// ChatInput is something that a human wrote or pressed in a chat app and that was
// dealt with. While it is held, nobody knows yet whom it is for.
type ChatInput struct{ ent.Schema }

// Fields returns the columns.
func (ChatInput) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("connection_id").Immutable(),
		field.String("person").Immutable(),
		field.String("key").Immutable().Comment("the same for each repeat"),
		field.Bool("held").Default(false),
		field.Text("payload").Default("").Comment("JSON; of what is held"),
		field.Int64("time").Immutable().Comment(microseconds),
	}
}

// Indexes returns the indexes.
func (ChatInput) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("connection_id", "key").Unique().StorageKey("chat_input_key"),
		index.Fields("time").StorageKey("chat_input_time"),
		index.Fields("connection_id", "person", "id").StorageKey("chat_input_held").
			Annotations(entsql.IndexWhere("held")),
	}
}

// ChatNotice is what has to be told to a human in a chat app.
type ChatNotice struct{ ent.Schema }

// Mixin returns the shared fields.
func (ChatNotice) Mixin() []ent.Mixin { return []ent.Mixin{created{}} }

// Fields returns the columns.
func (ChatNotice) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("connection_id").Immutable(),
		field.String("person").Immutable(),
		field.Text("payload").Immutable().Comment("JSON"),
		field.Int("attempts").Default(0),
		moment("next_attempt"),
	}
}

// Indexes returns the indexes.
func (ChatNotice) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("next_attempt").StorageKey("chat_notice_due"),
		index.Fields("connection_id", "person", "next_attempt").StorageKey("chat_notice_line"),
	}
}
