// Package ent is generated: the client of the tables that package schema describes.
package ent

//go:generate go run ../internal/store/generate ./schema
