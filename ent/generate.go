package ent

//go:generate go run ../internal/store/generate ./schema
