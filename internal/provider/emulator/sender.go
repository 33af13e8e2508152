package emulator

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
)

// sendTimeout is how long a gateway has to answer a webhook.
const sendTimeout = 5 * time.Second

// maxDeliveries bounds the deliveries that are remembered.
const maxDeliveries = 200

// Delivery is one attempt to bring a webhook to the receive URL.
type Delivery struct {
	Method  string `json:"method"`
	Body    string `json:"body"`
	Attempt int    `json:"attempt"`
	Status  int    `json:"status"` // of the answer; 0 = there was none
	Error   string `json:"error,omitempty"`
}

// Sender brings webhooks to a receive URL, and again after a while when it fails,
// as the vendor does.
type Sender struct {
	EmptyAnswers bool // any word in an answer is a failure; set before the first webhook

	client  *http.Client
	retries []time.Duration
	ctx     context.Context // done when the emulator stops

	mu         sync.Mutex
	url        string
	deliveries []Delivery
	group      sync.WaitGroup
}

// NewSender returns a Sender, which tries again until ctx is done.
func NewSender(ctx context.Context, client *http.Client, retries []time.Duration) *Sender {
	return &Sender{client: client, retries: retries, ctx: ctx}
}

var errNotEmpty = errors.New("the answer is not empty, which counts as a failure")

var errNoURL = errors.New("no receive URL has been entered yet")

// SetURL enters the receive URL.
func (s *Sender) SetURL(address string) error {
	address = strings.TrimSpace(address)
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("the receive URL has to begin with http:// or https://")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = strings.TrimRight(address, "/")
	return nil
}

// URL returns the receive URL; empty if none has been entered.
func (s *Sender) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Deliveries returns the attempts up to now, the oldest first.
func (s *Sender) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Delivery{}, s.deliveries...)
}

// Later sends a webhook, in its own time.
func (s *Sender) Later(r provider.Request) {
	s.group.Go(func() { s.Send([]provider.Request{r}) })
}

// Send makes the first attempt for each webhook and returns what came of it.
// Further ones follow by themselves.
func (s *Sender) Send(all []provider.Request) []Delivery {
	list := make([]Delivery, 0, len(all))
	for _, r := range all {
		d := s.attempt(r, 1)
		list = append(list, d)
		if d.failed() && len(s.retries) > 0 {
			s.group.Go(func() { s.retry(r) })
		}
	}
	return list
}

// Wait returns once nothing is under way any more, after ctx was done.
func (s *Sender) Wait() { s.group.Wait() }

func (d Delivery) failed() bool { return d.Status < 200 || d.Status > 299 }

func (s *Sender) retry(r provider.Request) {
	for i, pause := range s.retries {
		timer := time.NewTimer(pause)
		select {
		case <-s.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if !s.attempt(r, i+2).failed() {
			return
		}
	}
}

func (s *Sender) attempt(r provider.Request, number int) Delivery {
	d := Delivery{Method: r.Method, Body: string(r.Body), Attempt: number}
	status, err := s.post(r)
	if err != nil {
		d.Error = err.Error()
	}
	d.Status = status
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries = append(s.deliveries, d)
	if extra := len(s.deliveries) - maxDeliveries; extra > 0 {
		s.deliveries = s.deliveries[extra:]
	}
	return d
}

func (s *Sender) post(r provider.Request) (int, error) {
	base := s.URL()
	if base == "" {
		return 0, errNoURL
	}
	ctx, cancel := context.WithTimeout(s.ctx, sendTimeout)
	defer cancel()
	address := base + r.Path
	if r.Query != "" {
		address += "?" + r.Query
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, bytes.NewReader(r.Body))
	if err != nil {
		return 0, err
	}
	request.Header = r.Header.Clone()
	answer, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	if n, _ := answer.Body.Read(make([]byte, 1)); s.EmptyAnswers && n > 0 {
		return 0, errNotEmpty
	}
	return answer.StatusCode, nil
}
