package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mixduck/internal/invisible"
)

// apply sets what is found for the settings of target. Their keys begin with prefix, and in the file they stand in n.
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

// know notes that a variable is a setting.
func (l *loader) know(env string, secret bool) {
	if env != "" {
		l.known[env], l.known[env+"_FILE"] = true, l.known[env+"_FILE"] || secret
	}
}

// tidy returns a text without what surrounds it and cannot be seen.
func tidy(v string) (string, error) {
	v = invisible.Trim(v)
	if err := invisible.Check(v); err != nil {
		return "", fmt.Errorf("%w: remove it", err)
	}
	return v, nil
}

// put sets the value: one text, but for lists. What surrounds a text and cannot be seen does no harm; inside, it is an error.
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

// find returns the strongest value of a setting and where it is from; the origin is "" if it is not set.
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

// findInEnvironment does so in the environment.
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

// findInFile does so in the mapping n of the file.
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
	if plain == nil || s.key == "volumes" { // which is a mapping in the file
		return nil, source{}, nil
	}
	p = l.in(plain.at)
	if s.list != nil {
		v, err = plain.texts()
		return v, p, err
	}
	text, err := plain.scalar()
	if err == nil && s.secret {
		err = s.unfit(text)
	}
	if name := invisible.Trim(text); s.path && name != "" {
		text = l.path(name)
	}
	return []string{text}, p, err
}

// fileSuffix makes the key of a secret that of the file which holds it.
const fileSuffix = "_file"

// unfit says why a secret may not stand in the file.
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

// last returns what stands behind the last dot of a key.
func last(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// scalar returns the one text that n is.
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

// keysOf returns the keys that settings have in the file.
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

// fileKeys are the keys of the file, with dots between those of mappings inside of each other.
func fileKeys() []string { return append(keysOf(settings()), "projects", "schedules") }

// checkKeys complains about keys of n that are none of known.
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

// unknownKey says that a key is none of here, and what may be meant; all has those below them, too.
func unknownKey(key string, here, all []string) error {
	if section, below, ok := strings.Cut(key, "."); ok && slices.Contains(all, key) {
		return fmt.Errorf("unknown key; write %s: {%s: …}", section, below)
	}
	if like := didYouMean(key, here); like != "" {
		return fmt.Errorf("unknown key%s", like)
	}
	return fmt.Errorf("unknown key; known keys: %s", strings.Join(here, ", "))
}

// serviceLink is the name of a variable that Kubernetes and Docker links set in each container for a service called mixduck,
// or mixduck-worker and so on.
var serviceLink = regexp.MustCompile(`^MIXDUCK_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// linkValue is what such a variable holds: an address, a port or a protocol.
var linkValue = regexp.MustCompile(`^((tcp|udp|sctp)://\S+|[0-9]+|[0-9a-fA-F.:]+|tcp|udp|sctp|None)$`)

// otherVariables are ours, but settings of no program: mixduck reads MIXDUCK_LIBEXEC, and docker-compose.yml the others, which
// are those of .env.example.
var otherVariables = []string{
	"MIXDUCK_LIBEXEC",
	"MIXDUCK_DATA", "MIXDUCK_DATA_EU", "MIXDUCK_DEMO_IMAGE", "MIXDUCK_HTTP_PORT", "MIXDUCK_HTTP_PORT_EU", "MIXDUCK_IMAGE",
	"MIXDUCK_USER", "MIXDUCK_VERSION", "MIXDUCK_WORKERS",
}

// othersVariable reports whether a variable with our prefix is not meant for a program of ours.
func othersVariable(name, value string) bool {
	return slices.Contains(otherVariables, name) || serviceLink.MatchString(name) && linkValue.MatchString(value)
}

// hiddenInName returns an error for a variable of ours with an invisible character in its name, as the first one of a file
// that starts with a byte order mark.
func hiddenInName(name string) error {
	visible := invisible.Trim(name)
	err := invisible.Check(name)
	if err == nil || !strings.HasPrefix(visible, "MIXDUCK_") && !strings.HasPrefix(visible, "MP_") {
		return nil
	}
	return fmt.Errorf("%+q: the name of the variable %w: remove it where the variable is set", name, err)
}

// checkVariables complains about variables with our prefix that name no setting.
func (l *loader) checkVariables() {
	var known, wrong []string
	for name, ok := range l.known {
		if ok {
			known = append(known, name)
		}
	}
	slices.Sort(known) // so that the same is suggested each time
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
