package emulator

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// PagePath is where the human's page is; everything else is the vendor's API.
const PagePath = "/_play/"

//go:embed page.html
var page []byte

// pagePolicy lets the page run what stands in it, talk to this server, and nothing else.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Playground is an emulator with a page on which a person plays the human.
// Programs do the same with JSON below [PagePath]:
//
//	GET  state   {"title", "receive_url", "sessions", "deliveries", "calls", "contacts"}
//	POST url     {"url"}: the receive URL; handshakes are sent to it
//	POST act     {"session", "kind", "text"}; lost: it is done, and no webhook sent
//	POST fail    a Fault for calls of the API
//	POST heal    {}
//	POST revoke  {}: the credentials hold no more
type Playground struct {
	title    string
	emulator Emulator
	front    *Front
	sender   *Sender
	mux      *http.ServeMux
}

// NewPlayground puts a page beside an emulator.
func NewPlayground(title string, e Emulator, front *Front, sender *Sender) *Playground {
	p := &Playground{title: title, emulator: e, front: front, sender: sender, mux: http.NewServeMux()}
	p.mux.Handle("/", front)
	p.mux.HandleFunc("GET "+PagePath+"{$}", p.page)
	p.mux.HandleFunc("GET "+PagePath+"state", p.state)
	for name, do := range map[string]func([]byte) (any, error){
		"url": p.enter, "act": p.act, "fail": p.fail, "heal": p.heal, "revoke": p.revoke,
	} {
		p.mux.HandleFunc("POST "+PagePath+name, func(w http.ResponseWriter, r *http.Request) { order(w, r, do) })
	}
	return p
}

// ServeHTTP implements http.Handler.
func (p *Playground) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

func (p *Playground) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(page)
}

func (p *Playground) state(w http.ResponseWriter, _ *http.Request) {
	state := map[string]any{
		"title": p.title, "receive_url": p.sender.URL(), "sessions": p.emulator.Sessions(), "deliveries": p.sender.Deliveries(),
		"calls": p.front.Begun(),
	}
	if c, ok := p.emulator.(ContactCounter); ok {
		state["contacts"] = c.Contacts()
	}
	answerJSON(w, http.StatusOK, state)
}

// maxOrder bounds what the page sends.
const maxOrder = 1 << 20

// order does what the page asks for. Only JSON is taken, which pages of other
// sites cannot send.
func order(w http.ResponseWriter, r *http.Request, do func(body []byte) (any, error)) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		answerJSON(w, http.StatusUnsupportedMediaType, map[string]any{"error": "send JSON"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrder))
	var answer any
	if err == nil {
		answer, err = do(body)
	}
	if err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	answerJSON(w, http.StatusOK, answer)
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the page is gone if this fails
}

type sent struct {
	Deliveries []Delivery `json:"deliveries"`
}

// Enter enters the receive URL and sends the vendor's handshakes to it.
func (p *Playground) Enter(address string) ([]Delivery, error) {
	if err := p.sender.SetURL(address); err != nil {
		return nil, err
	}
	greets, err := p.emulator.Do("", Act{Kind: Greet})
	if errors.Is(err, ErrLacks) || errors.Is(err, ErrNoSession) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return p.sender.Send(greets), nil
}

func (p *Playground) enter(body []byte) (any, error) {
	var given struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(body, &given); err != nil {
		return nil, err
	}
	deliveries, err := p.Enter(given.URL)
	return sent{deliveries}, err
}

func (p *Playground) act(body []byte) (any, error) {
	var given struct {
		Act

		Session string `json:"session"`
		Lost    bool   `json:"lost"`
	}
	if err := json.Unmarshal(body, &given); err != nil {
		return nil, err
	}
	webhooks, err := p.emulator.Do(given.Session, given.Act)
	if err != nil || given.Lost {
		return sent{}, err
	}
	return sent{p.sender.Send(webhooks)}, nil
}

func (p *Playground) fail(body []byte) (any, error) {
	var f Fault
	if err := json.Unmarshal(body, &f); err != nil {
		return nil, err
	}
	if f.Status == 0 && !f.Hang && !f.Cut {
		return nil, errors.New("say how to fail: status, hang or cut")
	}
	p.front.Fail(f)
	return sent{}, nil
}

func (p *Playground) heal([]byte) (any, error) {
	p.front.Heal()
	return sent{}, nil
}

func (p *Playground) revoke([]byte) (any, error) {
	p.emulator.Revoke()
	return sent{}, nil
}
