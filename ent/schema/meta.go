package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Meta is what the program notes about the database itself, once.
type Meta struct{ ent.Schema }

// Annotations name the table.
func (Meta) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("meta")}
}

// Fields returns the columns.
func (Meta) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("key").NotEmpty().Immutable(),
		field.Bytes("value").Immutable(),
	}
}
