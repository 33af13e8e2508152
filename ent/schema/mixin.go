// Package schema declares the tables, one file each. Everything else under ent
// is generated from it; the SQL that makes the tables lies beside the store, in
// migrations, and is planned from it too.
//
// One schema serves SQLite and PostgreSQL, so it keeps to what both have alike:
// moments are integers, structures are JSON in text columns, and no column has a
// type of one dialect alone. What the database never compares lives in JSON.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"
)

// textID gives a table an id that the program makes.
type textID struct{ mixin.Schema }

// Fields returns the id.
func (textID) Fields() []ent.Field {
	return []ent.Field{field.String("id").NotEmpty().Immutable()}
}

// created gives a table the moment when its row was made.
type created struct{ mixin.Schema }

// Fields returns the moment.
func (created) Fields() []ent.Field {
	return []ent.Field{field.Int64("create_time").Immutable().Comment(microseconds)}
}

// inSession ties a table's rows to a session and lets them go with it.
type inSession struct{ mixin.Schema }

// Fields returns the session's number.
func (inSession) Fields() []ent.Field {
	return []ent.Field{field.Int64("session_num").Immutable()}
}

const microseconds = "microseconds since 1970, UTC; 0 = never"

// moment is a point in time that may come later than its row.
func moment(name string) ent.Field {
	return field.Int64(name).Default(0).Comment(microseconds)
}
