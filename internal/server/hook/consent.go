package hook

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
)

// Consenter takes what a browser brings back from a consent at a provider.
type Consenter interface {
	Consent(ctx context.Context, kind, token string, query url.Values) (agents.Consent, error)
}

// Consents serves the page to which a browser comes back from a consent, below
// the receive URL.
type Consents struct {
	Consenter Consenter
	Logger    *slog.Logger
}

// Mount mounts the route.
func (h Consents) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /webhooks/{provider}/{token}"+agents.ConsentPath, h.serve)
}

// consentPage is what the page shows.
type consentPage struct {
	Good  bool
	Title string
	Text  string
	Code  string // the error's reason; empty if there is none
}

func (h Consents) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusNoContent) // whoever only looks must not use up the code
		return
	}
	kind := r.PathValue("provider")
	c, err := h.Consenter.Consent(r.Context(), kind, r.PathValue("token"), r.URL.Query())
	page, status := pageOf(c, err)
	if err != nil {
		h.Logger.WarnContext(r.Context(), "consent.refused", slog.String("provider", kind), slog.Int("status", status), slog.Any("error", err))
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the address holds a code
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	w.WriteHeader(status)
	_ = consentTemplate.Execute(w, page) // the browser is gone if this fails
}

func pageOf(c agents.Consent, err error) (consentPage, int) {
	if err != nil {
		status := statusOf(err)
		page := consentPage{Title: "No consent was stored", Text: publicText(err, status)}
		if known, ok := errors.AsType[*handoff.Error](err); ok && status != http.StatusInternalServerError {
			page.Code = known.Reason
		}
		return page, status
	}
	if c.Status.State != handoff.ServiceAvailable {
		return consentPage{Title: "The consent is stored, but " + c.Title + " cannot be used yet", Text: c.Status.Reason, Code: c.Status.ReasonCode}, http.StatusOK
	}
	return consentPage{Good: true, Title: c.Title + " is connected", Text: "You can close this page. Customers can be handed over from now on."}, http.StatusOK
}

var consentTemplate = template.Must(template.New("consent").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; text-wrap: balance; }
h1::before { content: "{{if .Good}}✓{{else}}✕{{end}} "; }
p { overflow-wrap: anywhere; }
small { opacity: .7; }
</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{with .Code}}<p><small>{{.}}</small></p>{{end}}
</main>
</body>
</html>
`))
