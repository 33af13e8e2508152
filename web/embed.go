// Package web serves the pages: the customer's chat, also as a widget for other
// pages, and the human's desk. They
// are built by Vite from src into dist, which is committed, so that the program
// needs no Node to build or run.
package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

// policy lets a page load what this server has, and nothing else. Only the chat
// may stand in a frame, in this server's own pages and in those that its agent allows.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "

// Origins tells which browser origins an agent allows: none for one that is unknown.
type Origins interface {
	AllowedOrigins(ctx context.Context, agentID string) []string
}

// Pages serves the pages, their assets and the widget.
type Pages struct {
	// Origins says on whose pages the chat may stand.
	Origins Origins
}

// Mount mounts GET /, /chat, /desk, /assets/, /widget.js and /widget/access.
func (p Pages) Mount(mux *http.ServeMux) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux.HandleFunc("GET /{$}", page(files, "index.html", nobody))
	mux.HandleFunc("GET /chat", page(files, "chat.html", p.ancestors))
	mux.HandleFunc("GET /desk", page(files, "desk.html", nobody))
	mux.HandleFunc("GET /assets/{name}", asset(files))
	mux.HandleFunc("GET /widget.js", widget(files))
	mux.HandleFunc("GET /widget/access", p.access)
}

func nobody(*http.Request) string { return "'none'" }

// ancestors are the pages that may hold the chat of an agent in a frame. Origins are
// checked when they are configured, so none holds a blank or a semicolon.
func (p Pages) ancestors(r *http.Request) string {
	return strings.Join(append([]string{"'self'"}, p.Origins.AllowedOrigins(r.Context(), r.URL.Query().Get("agent"))...), " ")
}

// access tells a page whether its own origin may use the widget of an agent. The
// browser tells a page that may not use it nothing but that a call failed, which
// looks like a broken line; this is the one answer that every page may read.
func (p Pages) access(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	own, err := url.Parse(origin)
	allowed := origin == "" || err == nil && own.Host == r.Host ||
		slices.Contains(p.Origins.AllowedOrigins(r.Context(), r.URL.Query().Get("agent")), origin)
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(map[string]bool{"allowed": allowed}) // the caller is gone if this fails
}

// widget serves the script that other pages embed. Its name stays, so browsers ask
// whether it changed; any page may load it, which tells nothing that is secret.
func widget(files fs.FS) http.HandlerFunc {
	content, err := fs.ReadFile(files, "widget.js")
	if err != nil {
		panic(err) // the file is part of the program
	}
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*") // for integrity= and crossorigin
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Type", contentTypes[".js"])
		h.Set("ETag", tag)
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "widget.js", time.Time{}, bytes.NewReader(content))
	}
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

func page(files fs.FS, name string, ancestors func(*http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy+ancestors(r))
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeFileFS(w, r, files, name)
	}
}
