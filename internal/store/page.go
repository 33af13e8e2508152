package store

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
)

// list tells the page tokens of the lists apart, so that none works with another.
type list string

const (
	listSessions   list = "sessions"
	listDeliveries list = "deliveries"
	listLate       list = "late"
	listAgents     list = "agents"
	listQuarantine list = "quarantine"
	listFeeds      list = "feeds"
)

// token says, in a form that nobody builds upon, with which key a page ended.
func (l list) token(lastKey string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(l) + ":" + lastKey))
}

// after returns the key with which the page before p ended, empty at the start.
func (l list) after(p handoff.Page) (key string, err error) {
	if p.Token == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Token)
	if err != nil {
		return "", handoff.ErrBadPageToken
	}
	key, ok := strings.CutPrefix(string(text), string(l)+":")
	if !ok || key == "" {
		return "", handoff.ErrBadPageToken
	}
	return key, nil
}

// below is after for lists that run down a number; 0 at the start.
func (l list) below(p handoff.Page) (int64, error) {
	key, err := l.after(p)
	if err != nil || key == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(key, 10, 64)
	if err != nil || n < 1 {
		return 0, handoff.ErrBadPageToken
	}
	return n, nil
}

// pageSize is how many rows a page has at most.
func pageSize(p handoff.Page) int {
	if p.Size < 1 {
		return handoff.DefaultPageSize
	}
	return min(p.Size, handoff.MaxPageSize)
}

// cut takes the page from rows, of which one more than a page was read, and
// makes the token of the next page; empty when there is none.
func cut[T any](l list, rows []T, size int, key func(T) string) (page []T, next string) {
	if len(rows) <= size {
		return rows, ""
	}
	return rows[:size], l.token(key(rows[size-1]))
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
