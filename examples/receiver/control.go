package main

import (
	"encoding/json"
	"log"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Special answers beside HTTP's status codes.
const (
	answerCut  = 0  // takes the call, then cuts the connection: the caller cannot know
	answerHang = -1 // takes nothing and never answers
)

// control is how the desk misbehaves. Each POST /control replaces it; GET shows
// the conversations. Fields that are left out change nothing.
type control struct {
	Path       string  `json:"path"`        // only calls of this path, for instance "/chat"
	Answers    []int   `json:"answers"`     // status of the next calls, one each; then as usual
	Always     *int    `json:"always"`      // status of all calls after Answers
	RetryAfter string  `json:"retry_after"` // header of answers that are not 2xx
	Location   string  `json:"location"`    // header of redirects
	DelayMS    int     `json:"delay_ms"`    // wait before each answer
	Password   *string `json:"password"`    // the password is this from now on
}

// trouble is what control has in store for one call.
type trouble struct {
	refusal   *refusal // the call is not taken
	instead   *refusal // the call is taken, and answered so
	header    http.Header
	delay     time.Duration
	cut, hang bool
}

// next decides about one call. Probes are left alone unless the path says so.
func (c *control) next(path string, body call) trouble {
	if c.Path != path && (c.Path != "" || body.IsTest) {
		return trouble{}
	}
	t := trouble{header: http.Header{}, delay: time.Duration(c.DelayMS) * time.Millisecond}
	status := c.status()
	switch {
	case status == answerCut:
		t.cut = true
	case status == answerHang:
		t.hang, t.refusal = true, &refusal{http.StatusGatewayTimeout, "as told by the test"}
	case status != http.StatusOK && status < http.StatusMultipleChoices:
		t.instead = &refusal{status, "as told by the test"}
	case status != http.StatusOK:
		t.refusal = &refusal{status, "as told by the test: " + strconv.Itoa(status)}
	}
	if status >= http.StatusMultipleChoices && c.RetryAfter != "" {
		t.header.Set("Retry-After", c.RetryAfter)
	}
	if c.Location != "" {
		t.header.Set("Location", c.Location)
	}
	return t
}

// before makes the trouble and tells whether there is an answer at all.
func (t trouble) before(w http.ResponseWriter, r *http.Request) bool {
	if t.hang {
		<-r.Context().Done()
	}
	select {
	case <-time.After(t.delay):
	case <-r.Context().Done():
	}
	if t.cut || t.hang {
		if hijacker, ok := w.(http.Hijacker); ok {
			if conn, _, err := hijacker.Hijack(); err == nil {
				_ = conn.Close()
			}
		}
		return false
	}
	maps.Copy(w.Header(), t.header)
	return true
}

// status takes the next answer.
func (c *control) status() int {
	status := http.StatusOK
	switch {
	case len(c.Answers) > 0:
		status, c.Answers = c.Answers[0], c.Answers[1:]
	case c.Always != nil:
		status = *c.Always
	}
	return status
}

func (d *desk) serveControl(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Method == http.MethodPost {
		var c control
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if c.Password != nil {
			d.password = *c.Password
		}
		d.control = c
	}
	if err := json.NewEncoder(w).Encode(map[string]map[string]bool{"conversations": d.conversations}); err != nil {
		log.Print(err)
	}
}
