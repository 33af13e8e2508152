package provider

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A configuration is the API's message of a kind. Which of its fields are
// secrets is said once, there, by the field option debug_redact; secrets are
// plain strings of the message itself, not of one within it.

// SecretNames returns the names of the fields of a configuration that are
// secret, set or not, in the order of their declaration.
func SecretNames(config proto.Message) []string {
	fields := secretFields(config)
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = string(field.Name())
	}
	return names
}

// Secrets returns the secrets that are set in a configuration, by field name.
func Secrets(config proto.Message) map[string]string {
	secrets := map[string]string{}
	for _, field := range secretFields(config) {
		if value := config.ProtoReflect().Get(field).String(); value != "" {
			secrets[string(field.Name())] = value
		}
	}
	return secrets
}

// ClearSecrets returns a copy of a configuration without its secrets, fit for showing.
func ClearSecrets(config proto.Message) proto.Message {
	shown := proto.Clone(config)
	for _, field := range secretFields(shown) {
		shown.ProtoReflect().Clear(field)
	}
	return shown
}

// RemoveSecrets returns a copy of a configuration without the secrets of the
// given names. It fails when one of them is not a secret of the configuration.
func RemoveSecrets(config proto.Message, names ...string) (proto.Message, error) {
	kept := proto.Clone(config)
	known := secretFields(kept)
	for _, name := range names {
		i := slices.IndexFunc(known, func(f protoreflect.FieldDescriptor) bool { return string(f.Name()) == name })
		if i < 0 {
			return nil, fmt.Errorf("%q is not a secret of %s", name, config.ProtoReflect().Descriptor().Name())
		}
		kept.ProtoReflect().Clear(known[i])
	}
	return kept, nil
}

// MergeSecrets returns a copy of given in which every secret that was left out
// is the stored one. Whether a stored secret may be used again is the caller's
// to decide. A stored configuration of another kind, or none, has nothing to give.
func MergeSecrets(given, stored proto.Message) proto.Message {
	merged := proto.Clone(given)
	if stored == nil || stored.ProtoReflect().Descriptor() != given.ProtoReflect().Descriptor() {
		return merged
	}
	for _, field := range secretFields(merged) {
		if merged.ProtoReflect().Get(field).String() == "" {
			merged.ProtoReflect().Set(field, stored.ProtoReflect().Get(field))
		}
	}
	return merged
}

func secretFields(config proto.Message) []protoreflect.FieldDescriptor {
	var secret []protoreflect.FieldDescriptor
	fields := config.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		options, ok := field.Options().(*descriptorpb.FieldOptions)
		if ok && options.GetDebugRedact() && field.Kind() == protoreflect.StringKind && field.Cardinality() != protoreflect.Repeated {
			secret = append(secret, field)
		}
	}
	return secret
}

// MarshalConfig returns a configuration with its secrets as JSON: seal it before it is kept.
func MarshalConfig(config proto.Message) ([]byte, error) {
	data, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	return data, nil
}

// UnmarshalConfig reads what MarshalConfig made into an empty configuration. A
// field that the configuration does not have is an error: it comes from a newer
// version, and to go on without it could mean something else.
func UnmarshalConfig(data []byte, config proto.Message) error {
	err := protojson.Unmarshal(data, config)
	if err == nil {
		return nil
	}
	// The decoder's errors quote values, which may be secrets. That of an unknown
	// field quotes its name alone.
	if (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, proto.Clone(config)) == nil {
		return fmt.Errorf("settings of %s: %w", config.ProtoReflect().Descriptor().Name(), err)
	}
	return fmt.Errorf("settings of %s: %w", config.ProtoReflect().Descriptor().Name(), errMalformed)
}

var errMalformed = errors.New("they are not the JSON of this message")
