package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
)

// Event is an entry of a session's log. Its key is the session's number and the
// sequence in one integer, num<<32 | sequence: a log is a range of keys, and the
// busiest table needs no second index.
type Event struct{ ent.Schema }

// Fields returns the columns.
func (Event) Fields() []ent.Field {
	given := false // by the store, not by the database
	return []ent.Field{
		field.Int64("id").Comment("session num << 32 | sequence").
			Annotations(entsql.Annotation{Incremental: &given}),
		field.Int64("time").Immutable().Comment(microseconds),
		field.String("kind").Immutable(),
		field.Text("payload").Immutable().Comment("JSON, as the kind has it"),
	}
}
