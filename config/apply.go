package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mixduck/internal/invisible"
)

// apply sets the settings of target from what is found. Their keys begin with prefix, and n is their mapping in the
// file.
func apply[T any](l *loader, prefix string, n *node, target *T, all []setting[T]) {
	for _, s := range all {
		l.know(s.env, s.secret)
		if s.server && l.client {
			continue
		}
		key := prefix + s.key
		v, p, err := find(l, s, n)
		if p.origin != "" {
			l.sources[key] = p
			if err == nil {
				err = s.put(target, v)
			}
		}
		if err != nil {
			l.complain(key, p, err)
		}
	}
}

// know records that a variable is a setting.
func (l *loader) know(env string, secret bool) {
	if env != "" {
		l.known[env], l.known[env+"_FILE"] = true, l.known[env+"_FILE"] || secret
	}
}

// tidy removes invisible characters and white space around a text.
func tidy(v string) (string, error) {
	v = invisible.Trim(v)
	if err := invisible.Check(v); err != nil {
		return "", fmt.Errorf("%w: remove it", err)
	}
	return v, nil
}

// put sets the value: a single text, except for lists. Invisible characters around a text are ignored; inside a text
// they are an error.
func (s setting[T]) put(target *T, v []string) error {
	for i := range v {
		if s.exact {
			break
		}
		var err error
		if v[i], err = tidy(v[i]); err != nil {
			return err
		}
	}
	if s.list != nil {
		return s.list(target, v)
	}
	return s.set(target, v[0])
}

// find returns the value of a setting with the highest precedence, and its source. The origin is "" if it is not set.
func find[T any](l *loader, s setting[T], n *node) (v []string, p source, err error) {
	if s.flag != "" && l.flags != nil && l.flags.Changed(s.flag) {
		if _, ours := l.flags.Lookup(s.flag).Annotations[settingFlag]; ours {
			v, err := l.flags.GetString(s.flag)
			return []string{v}, source{origin: "--" + s.flag}, err
		}
	}
	if v, p, err := findInEnvironment(l, s); p.origin != "" {
		return []string{v}, p, err
	}
	return findInFile(l, s, n)
}

// findInEnvironment does this for the environment.
func findInEnvironment[T any](l *loader, s setting[T]) (v string, p source, err error) {
	if s.env == "" {
		return "", source{}, nil
	}
	v = l.env[s.env]
	if name := l.env[s.env+"_FILE"]; s.secret && name != "" {
		p := source{origin: s.env + "_FILE"}
		if v != "" {
			return "", p, fmt.Errorf("%s and %s_FILE exclude each other", s.env, s.env)
		}
		name, err := tidy(name)
		if err != nil {
			return "", p, err
		}
		v, err := readSecret(name)
		return v, p, err
	}
	if v == "" {
		return "", source{}, nil
	}
	return v, source{origin: s.env}, nil
}

// findInFile does this for mapping n of the file.
func findInFile[T any](l *loader, s setting[T], n *node) (v []string, p source, err error) {
	keys := strings.Split(s.key, ".")
	plain := n.get(keys...)
	if s.secret {
		keys[len(keys)-1] += fileSuffix
		if named := n.get(keys...); named != nil {
			p := l.in(named.at)
			if plain != nil {
				return nil, p, fmt.Errorf("%s and %s%s exclude each other", last(s.key), last(s.key), fileSuffix)
			}
			name, err := named.scalar()
			if err != nil {
				return nil, p, err
			}
			if name, err = tidy(name); err != nil {
				return nil, p, err
			}
			v, err := readSecret(l.path(name))
			return []string{v}, p, err
		}
	}
	if plain == nil || s.key == "volumes" { // a mapping in the file
		return nil, source{}, nil
	}
	p = l.in(plain.at)
	if s.list != nil {
		v, err = plain.texts()
		return v, p, err
	}
	text, err := plain.scalarOr(s.field.key)
	if err == nil && s.secret {
		err = s.unfit(text)
	}
	if name := invisible.Trim(text); s.path && name != "" {
		text = l.path(name)
	}
	return []string{text}, p, err
}

// fileSuffix is added to the key of a secret to name the file that holds it.
const fileSuffix = "_file"

// unfit returns why a secret may not be in the file.
func (s setting[T]) unfit(v string) error {
	problem := errors.New("is a secret")
	if s.public != nil {
		if problem = s.public(v); problem == nil {
			return nil
		}
	}
	return fmt.Errorf("%w and must not be in this file: put it into a separate file and set %s%s to its path, or set %s",
		problem, last(s.key), fileSuffix, s.env)
}

// last returns the part of a key after the last dot.
func last(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// scalar returns n as a single text.
func (n *node) scalar() (string, error) {
	switch n.kind {
	case scalar:
		return n.text, nil
	case blank:
		return "", errors.New("has no value; omit the key to use the default")
	case mapping, sequence:
	}
	return "", errors.New("must be a single value, not a list or mapping")
}

// scalarOr is scalar, but a mapping whose only key is key is read as "key: value".
func (n *node) scalarOr(key string) (string, error) {
	if key == "" || n.kind != mapping {
		return n.scalar()
	}
	value := n.get(key)
	if value == nil || len(n.entries) > 1 {
		return "", fmt.Errorf("must be a single value, or a mapping with the key %s", key)
	}
	text, err := value.scalar()
	return key + ": " + text, err
}

// texts returns the texts of a list.
func (n *node) texts() ([]string, error) {
	if n.kind != sequence {
		return nil, errors.New("must be a list, for example [a, b]")
	}
	if len(n.items) == 0 {
		return nil, errors.New("is an empty list; omit the key to use the default")
	}
	var all []string
	for _, item := range n.items {
		text, err := item.scalar()
		if err != nil {
			return nil, fmt.Errorf("entry %d %w", len(all)+1, err)
		}
		all = append(all, text)
	}
	return all, nil
}

// keysOf returns the keys of settings in the file.
func keysOf[T any](all []setting[T]) []string {
	var keys []string
	for _, s := range all {
		keys = append(keys, s.key)
		if s.secret {
			keys = append(keys, s.key+fileSuffix)
		}
	}
	return keys
}

// fileKeys returns all keys of the file. Dots separate the keys of nested mappings.
func fileKeys() []string { return append(keysOf(settings()), "projects", "schedules") }

// checkKeys reports keys of n that are not in known.
func (l *loader) checkKeys(n *node, prefix string, known []string) {
	if n == nil || n.kind == blank {
		return
	}
	if n.kind != mapping {
		l.complain(strings.TrimSuffix(prefix, "."), l.in(n.at), errors.New("must be a mapping, for example {key: value}"))
		return
	}
	var here []string
	below := map[string][]string{}
	for _, key := range known {
		first, rest, nested := strings.Cut(key, ".")
		if nested {
			below[first] = append(below[first], rest)
		}
		if !slices.Contains(here, first) {
			here = append(here, first)
		}
	}
	for _, e := range n.entries {
		switch {
		case below[e.key] != nil:
			l.checkKeys(e.value, prefix+e.key+".", below[e.key])
		case !slices.Contains(here, e.key):
			l.complain(prefix+e.key, l.in(e.at), unknownKey(e.key, here, known))
		}
	}
}

// unknownKey reports that a key is not in here, and suggests a similar one; all also contains nested keys.
func unknownKey(key string, here, all []string) error {
	if section, below, ok := strings.Cut(key, "."); ok && slices.Contains(all, key) {
		return fmt.Errorf("unknown key; write %s: {%s: …}", section, below)
	}
	if like := didYouMean(key, here); like != "" {
		return fmt.Errorf("unknown key%s", like)
	}
	return fmt.Errorf("unknown key; known keys: %s", strings.Join(here, ", "))
}

// serviceLink matches variables that Kubernetes and Docker links set in each container for services named mixduck,
// mixduck-worker and so on.
var serviceLink = regexp.MustCompile(`^MIXDUCK_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// linkValue matches the values of such variables: an address, a port or a protocol.
var linkValue = regexp.MustCompile(`^((tcp|udp|sctp)://\S+|[0-9]+|[0-9a-fA-F.:]+|tcp|udp|sctp|None)$`)

// otherVariables are Mixduck's, but not settings of a program: mixduck reads MIXDUCK_LIBEXEC, and docker-compose.yml
// reads the others, which are in .env.example.
var otherVariables = []string{
	"MIXDUCK_LIBEXEC",
	"MIXDUCK_DATA", "MIXDUCK_DATA_EU", "MIXDUCK_DEMO_IMAGE", "MIXDUCK_HTTP_PORT", "MIXDUCK_HTTP_PORT_EU", "MIXDUCK_IMAGE",
	"MIXDUCK_USER", "MIXDUCK_VERSION", "MIXDUCK_WORKERS",
}

// othersVariable reports whether a variable with Mixduck's prefix is not for its programs.
func othersVariable(name, value string) bool {
	return slices.Contains(otherVariables, name) || serviceLink.MatchString(name) && linkValue.MatchString(value)
}

// hiddenInName returns an error for a Mixduck variable with an invisible character in its name, such as the first one
// of a file with a byte order mark.
func hiddenInName(name string) error {
	visible := invisible.Trim(name)
	err := invisible.Check(name)
	if err == nil || !strings.HasPrefix(visible, "MIXDUCK_") && !strings.HasPrefix(visible, "MP_") {
		return nil
	}
	return fmt.Errorf("%+q: the name of the variable %w: remove it where the variable is set", name, err)
}

// checkVariables reports variables with Mixduck's prefix that do not name a setting.
func (l *loader) checkVariables() {
	var known, wrong []string
	for name, ok := range l.known {
		if ok {
			known = append(known, name)
		}
	}
	slices.Sort(known) // so that suggestions are stable
	for name := range l.env {
		mayBe := l.broken && strings.HasPrefix(name, "MIXDUCK_PROJECTS_")
		if hiddenInName(name) != nil || strings.HasPrefix(name, "MIXDUCK_") && !l.known[name] && !mayBe && !othersVariable(name, l.env[name]) {
			wrong = append(wrong, name)
		}
	}
	slices.Sort(wrong)
	for _, name := range wrong {
		if err := hiddenInName(name); err != nil {
			l.problems = append(l.problems, problem{err: err})
			continue
		}
		like := didYouMean(name, known)
		if like == "" && strings.HasPrefix(name, "MIXDUCK_PROJECTS_") {
			like = ": the file has no such project, or this is not a project key"
		}
		l.problems = append(l.problems, problem{err: fmt.Errorf("%s: unknown setting%s", name, like)})
	}
}
