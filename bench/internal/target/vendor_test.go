package target

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestVendor notices what comes twice, too late or not at all.
func TestVendor(t *testing.T) {
	for name, c := range map[string]struct {
		numbers []int64
		fault   bool
	}{
		"in order": {numbers: []int64{1, 2, 3}},
		"twice":    {numbers: []int64{1, 1, 2}, fault: true},
		"left out": {numbers: []int64{1, 3}, fault: true},
		"swapped":  {numbers: []int64{2, 1}, fault: true},
	} {
		v := &Vendor{last: map[string]int64{}}
		for _, n := range c.numbers {
			body, _ := json.Marshal(map[string]any{"conversation_id": "ses_1", "body": Text(n)})
			v.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/chat", strings.NewReader(string(body))))
		}
		if err := v.Fault(); (err != nil) != c.fault {
			t.Errorf("%s: %v", name, err)
		}
		if v.Got() != len(c.numbers) || len(v.Take()) != len(c.numbers) {
			t.Errorf("%s: got %d", name, v.Got())
		}
	}
}
