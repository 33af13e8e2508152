package files

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"time"

	"github.com/human-handoff/handoff/internal/egress"
	"github.com/human-handoff/handoff/internal/handoff"
)

const (
	// fetchTimeout is how long one file may take.
	fetchTimeout = time.Minute
	maxRedirects = 5
)

// fetched is what came of a fetch.
type fetched struct {
	mimeType string
	size     int64
}

// errFetch is why a file could not be fetched; a later attempt may have more luck
// if it is not final.
func errFetch(final bool, format string, args ...any) *handoff.Error {
	code := handoff.CodeUnavailable
	if final {
		code = handoff.CodeInvalid
	}
	return handoff.Errorf(code, "FILE_NOT_FETCHED", format, args...)
}

// fetch reads a file from another server and stores it under an id. With
// trustHeader its type has to be the one that the server declares.
func (s *Service) fetch(ctx context.Context, id string, remote handoff.RemoteFile, trustHeader bool) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	response, err := s.get(ctx, remote)
	if err != nil {
		return fetched{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.ContentLength > s.config.Limits.MaxBytes {
		return fetched{}, errTooLarge(s.config.Limits.MaxBytes)
	}
	declared := remote.MIMEType
	if trustHeader {
		declared = response.Header.Get("Content-Type")
	}
	size, content := response.ContentLength, io.Reader(response.Body)
	if size < 0 {
		spool, n, err := spoolBody(response.Body, s.config.Limits.MaxBytes)
		if err != nil {
			return fetched{}, err
		}
		defer dropSpool(spool)
		size, content = n, spool
	}
	if size == 0 {
		return fetched{}, errFetch(true, "the file is empty")
	}
	if remote.SHA256 != "" {
		content = &provedReader{reader: content, left: size, hash: sha256.New(), want: remote.SHA256}
	}
	mimeType, err := s.put(ctx, id, declared, size, content)
	if handoff.CodeOf(err) == handoff.CodeInvalid && errors.Is(err, errSize) {
		err = errFetch(false, "the file broke off")
	}
	return fetched{mimeType, size}, err
}

func errTooLarge(most int64) error {
	return errFetch(true, "the file is larger than the %d bytes that this server takes", most)
}

// spoolBody puts a body of unknown length into a temporary file, for a store has
// to know it beforehand. The file has no name any more where that is possible, so
// that it goes even if the program is killed.
func spoolBody(body io.Reader, most int64) (spool *os.File, size int64, err error) {
	spool, err = os.CreateTemp("", "handoff-*")
	if err != nil {
		return nil, 0, err
	}
	_ = os.Remove(spool.Name()) // some systems want it to be closed first
	size, err = io.Copy(spool, io.LimitReader(body, most+1))
	switch {
	case err != nil:
		err = errFetch(false, "the file broke off")
	case size > most:
		err = errTooLarge(most)
	default:
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		dropSpool(spool)
		return nil, 0, err
	}
	return spool, size, nil
}

func dropSpool(spool *os.File) {
	_ = spool.Close()           // what was written to it is of no use any more
	_ = os.Remove(spool.Name()) // it mostly has no name any more
}

// get asks for a file, following redirects: each goes through the guarded client,
// and the headers stay with the host that they were meant for.
func (s *Service) get(ctx context.Context, remote handoff.RemoteFile) (*http.Response, error) {
	address, err := url.Parse(remote.URL)
	if err != nil {
		return nil, errFetch(true, "the file's address cannot be read")
	}
	first := address.Host
	for range maxRedirects + 1 {
		if address.Scheme != "https" && address.Scheme != "http" || address.Host == "" {
			return nil, errFetch(true, "the file's address is neither http nor https")
		}
		response, err := s.getOnce(ctx, address, remote.Header, address.Host == first)
		if err != nil {
			return nil, err
		}
		if response.StatusCode == http.StatusOK {
			return response, nil
		}
		_ = response.Body.Close()
		if address, err = follow(address, response); err != nil {
			return nil, err
		}
	}
	return nil, errFetch(true, "the file's server redirects more than %d times", maxRedirects)
}

// follow returns where an answer without a file leads to.
func follow(from *url.URL, response *http.Response) (*url.URL, error) {
	next, err := response.Location()
	if err != nil || response.StatusCode < 300 || response.StatusCode > 399 {
		return nil, refused(response.StatusCode)
	}
	if from.Scheme == "https" && next.Scheme != "https" {
		return nil, errFetch(true, "the file's server leads to an address without https")
	}
	return next, nil
}

func (s *Service) getOnce(ctx context.Context, address *url.URL, header map[string]string, trusted bool) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, errFetch(true, "the file's address cannot be read")
	}
	request.Header.Set("User-Agent", "Handoff/1")
	request.Header.Set("Accept-Encoding", "identity") // so that its length is told
	if trusted {
		for name, value := range header {
			request.Header.Set(name, value)
		}
	}
	response, err := s.config.HTTP.Do(request)
	if err != nil {
		// The client's error quotes the address, which may hold a secret.
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err
		}
		return nil, errFetch(errors.Is(err, egress.ErrPrivateAddress), "the file's server cannot be reached: %s", err)
	}
	return response, nil
}

// refused is the error for a status that is no success. Some get better by themselves.
func refused(status int) error {
	final := status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooEarly && status != http.StatusTooManyRequests
	return errFetch(final, "the file's server answered %d %s", status, http.StatusText(status))
}

// nameOf is the last part of an address.
func nameOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path == "" {
		return "file"
	}
	return cleanName(path.Base(u.Path))
}
