package restapi

import (
	"errors"
	"net/url"
	"strings"
)

// BaseURL returns the address of a field of a configuration as paths are appended
// to it: with the host in lower case and without a slash at its end.
func BaseURL(field, address string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New(field + ": has to be an http or https address without user, query or fragment")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/"), nil
}
