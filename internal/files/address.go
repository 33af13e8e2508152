package files

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// How long addresses are valid.
const (
	readFor = time.Hour
	linkFor = 7 * 24 * time.Hour // of those that are sent to desks, where humans come back to them
	putFor  = 15 * time.Minute

	// readStep is how long one file keeps one address, so that browsers can cache it.
	readStep = 5 * time.Minute
	linkStep = 24 * time.Hour
)

// The labels of the keys that sign addresses: an address to read from can never
// be one to upload to.
const (
	ReadLabel = "handoff file address v1"
	PutLabel  = "handoff upload address v1"
)

const (
	timeBytes   = 8
	proofLength = 54 // of time and MAC, 40 bytes, in base64
)

// URL returns an address where an attachment can be read for an hour.
func (s *Service) URL(a handoff.Attachment) string {
	return s.readAddress(a, s.config.Now().Truncate(readStep).Add(readStep+readFor))
}

// Link returns an address where an attachment can be read for a week and a bit: it
// ends with a day, so that the attempts of one delivery say the same.
func (s *Service) Link(a handoff.Attachment) string {
	return s.readAddress(a, s.config.Now().Truncate(linkStep).Add(linkStep+linkFor))
}

// The name is signed too: it is under that name that a browser saves the file.
func (s *Service) readAddress(a handoff.Attachment, until time.Time) string {
	name := cleanName(a.Name)
	return s.config.BaseURL + "/files/" + a.ID + "/" + prove(s.config.ReadKeys[0], a.ID, name, until) + "/" + url.PathEscape(name)
}

func (s *Service) putAddress(id string) string {
	return s.config.BaseURL + "/uploads/" + id + "/" + prove(s.config.PutKeys[0], id, "", s.config.Now().Add(putFor))
}

// CheckRead returns until when a proof of an address to read from is valid, or
// what is wrong with it.
func (s *Service) CheckRead(id, proof, name string) (until time.Time, err error) {
	return s.check(s.config.ReadKeys, id, proof, name, "read the message again for a new one")
}

// CheckPut returns what is wrong with a proof of an address to upload to.
func (s *Service) CheckPut(id, proof string) error {
	_, err := s.check(s.config.PutKeys, id, proof, "", "announce the file again with CreateUpload")
	return err
}

func (s *Service) check(keys [][]byte, id, proof, name, advice string) (until time.Time, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(proof)
	if err != nil || len(proof) != proofLength {
		return time.Time{}, handoff.Errorf(handoff.CodePermission, "BAD_ADDRESS", "this address is not one that this server made; %s", advice)
	}
	until = time.Unix(int64(binary.BigEndian.Uint64(raw)), 0) //nolint:gosec // it is checked before it is used
	known := false
	for _, key := range keys {
		known = known || hmac.Equal([]byte(prove(key, id, name, until)), []byte(proof))
	}
	switch {
	case !known:
		return time.Time{}, handoff.Errorf(handoff.CodePermission, "BAD_ADDRESS", "this address is not one that this server made; %s", advice)
	case !s.config.Now().Before(until):
		return time.Time{}, handoff.Errorf(handoff.CodePermission, "ADDRESS_EXPIRED", "this address has expired; %s", advice)
	}
	return until, nil
}

// prove signs an id, a name and the end of their validity.
func prove(key []byte, id, name string, until time.Time) string {
	proof := binary.BigEndian.AppendUint64(make([]byte, 0, timeBytes+sha256.Size), uint64(until.Unix())) //nolint:gosec // after 1970
	mac := hmac.New(sha256.New, key)
	mac.Write(proof) // of fixed length, and no id has a zero byte, so that the parts cannot be shifted
	mac.Write([]byte(id + "\x00" + name))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(proof))
}
