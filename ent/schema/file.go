package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// File is a file of a session. Its content lies elsewhere, under its id. The row
// outlives the session, for it tells that there is content to delete.
type File struct{ ent.Schema }

// Mixin returns the shared fields.
func (File) Mixin() []ent.Mixin { return []ent.Mixin{textID{}, created{}} }

// Fields returns the columns.
func (File) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("session_num").Optional().Nillable().Comment("null = the session is gone"),
		field.String("message_id").Default("").Comment("of the message that a vendor's file came with"),
		field.Text("name"),
		field.String("mime_type").Default(""),
		field.Int64("size").Default(0).Comment("bytes"),
		field.String("state"),
		field.Bool("attached").Default(false).Comment("a message uses it"),
		field.Bytes("source").Optional().Comment("where a pending file is to be fetched, sealed"),
	}
}

// Edges returns the relations.
func (File) Edges() []ent.Edge {
	return []ent.Edge{edge.From("session", Session.Type).Ref("files").Field("session_num").Unique()}
}

// Indexes returns the indexes. The partial one holds only what has to be fetched.
func (File) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("session_num", "attached").StorageKey("file_session"),
		index.Fields("attached", "create_time").StorageKey("file_age"),
		index.Fields("id").StorageKey("file_pending").Annotations(entsql.IndexWhere("state = 'pending'")),
	}
}
