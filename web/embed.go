// Package web serves the pages: the customer's chat and the human's desk. They
// are built by Vite from src into dist, which is committed, so that the program
// needs no Node to build or run.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// policy lets a page load what this server has, and nothing else. Only the chat
// may stand in a frame, and only in one of this server's own pages.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "

// Pages serves the pages and their assets.
type Pages struct{}

// Mount mounts GET /, /chat, /desk and /assets/.
func (Pages) Mount(mux *http.ServeMux) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux.HandleFunc("GET /{$}", page(files, "index.html", "'none'"))
	mux.HandleFunc("GET /chat", page(files, "chat.html", "'self'"))
	mux.HandleFunc("GET /desk", page(files, "desk.html", "'none'"))
	mux.HandleFunc("GET /assets/{name}", asset(files))
}

// contentTypes stand here because the machine's own table differs from one to the next.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// asset serves what the pages refer to. The names hold a hash of the content, so
// what they name never changes.
func asset(files fs.FS) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// An escaped slash in the name would lead to the pages, without their policy.
		name := r.PathValue("name")
		contentType, known := contentTypes[path.Ext(name)]
		if !known || strings.Contains(name, "/") {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // taken back when there is no such file
		h.Set("Content-Security-Policy", policy+"'none'")             // a picture can be opened as a page
		h.Set("Content-Type", contentType)
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeFileFS(w, r, files, "assets/"+name)
	}
}

func page(files fs.FS, name, ancestors string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy+ancestors)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeFileFS(w, r, files, name)
	}
}
