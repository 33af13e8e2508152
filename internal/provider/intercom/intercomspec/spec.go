// Package intercomspec judges calls by Intercom's own description of its API: the
// OpenAPI file of version 2.16 in testdata, which is Intercom's under the MIT
// licence beside it. It is for tests alone.
package intercomspec

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

//go:embed testdata/intercom-2.16.yaml
var file []byte

// server is the address that the file names first.
const server = "https://api.intercom.io"

// defects are what is wrong with the file, each with a patch and the reason.
var defects = []struct {
	name, reason string
	patch        func(doc *openapi3.T) error
}{
	{
		"create_conversation_request.from.id has the format uuid",
		"it also has exactly 24 characters, as all ids of contacts do, and a UUID has 36: nothing can be both",
		func(doc *openapi3.T) error {
			schema, err := property(doc, "create_conversation_request", "from", "id")
			if err == nil {
				schema.Format = ""
			}
			return err
		},
	},
}

func property(doc *openapi3.T, schema string, path ...string) (*openapi3.Schema, error) {
	at, ok := doc.Components.Schemas[schema]
	if !ok {
		return nil, fmt.Errorf("no schema %s", schema)
	}
	for _, name := range path {
		next, ok := at.Value.Properties[name]
		if !ok {
			return nil, fmt.Errorf("no property %s of %s", name, schema)
		}
		at = next
	}
	return at.Value, nil
}

// Spec is Intercom's description of its API.
type Spec struct{ router routers.Router }

// Load reads the description and patches its defects.
func Load(ctx context.Context) (*Spec, error) {
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC4122))
	loader := openapi3.NewLoader()
	loader.Context = ctx
	doc, err := loader.LoadFromData(file)
	if err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	for _, d := range defects {
		if err := d.patch(doc); err != nil {
			return nil, fmt.Errorf("patch %q: %w", d.name, err)
		}
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("find the calls: %w", err)
	}
	return &Spec{router}, nil
}

// Check returns what is wrong with a call.
func (s *Spec) Check(r *http.Request, body []byte) error {
	call := r.Clone(r.Context())
	address, err := url.Parse(server + r.URL.RequestURI())
	if err != nil {
		return err
	}
	call.URL, call.Host, call.Body = address, address.Host, io.NopCloser(bytes.NewReader(body))
	route, params, err := s.router.FindRoute(call)
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err)
	}
	err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: call, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: authenticated},
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err)
	}
	return nil
}

// authenticated holds to the file's one scheme: a bearer token.
func authenticated(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	if !strings.HasPrefix(input.RequestValidationInput.Request.Header.Get("Authorization"), "Bearer ") {
		return errors.New("no bearer token")
	}
	return nil
}
