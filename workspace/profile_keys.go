package workspace

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"mixduck/internal/answer"
	"mixduck/storage"
)

// keyFile is an index of a page: the IDs of its profiles, the hashes of their contents, and the positions of their
// properties. With it, a refresh does not have to parse the page again, and does not have to unpack it if no profile
// has changed.
type keyFile struct {
	path string
	file *os.File
	to   *bufio.Writer
	end  int64 // of the properties of the last profile, in the text of the page
	head []byte
}

// keyFileBytes is the size of buffers. A page has about 1,000 profiles.
const keyFileBytes = 16 << 10

// createKeyFile creates a key file in the spool.
func (w *Workspace) createKeyFile(page int64) (*keyFile, error) {
	f, err := os.CreateTemp(w.cfg.SpoolDir, fmt.Sprintf("%skeys-%d-*", spoolPrefix, page))
	if err != nil {
		return nil, err
	}
	return &keyFile{path: f.Name(), file: f, to: bufio.NewWriterSize(f, keyFileBytes)}, nil
}

// add adds the next profile. Its properties can be nil.
func (k *keyFile) add(p *answer.Profile, hash int64) error {
	offset := p.Offset
	if p.Properties == nil {
		offset = k.end
	}
	b := binary.LittleEndian.AppendUint64(k.head[:0], uint64(hash))
	b = binary.AppendUvarint(b, uint64(offset-k.end))
	b = binary.AppendUvarint(b, uint64(len(p.Properties)))
	b = binary.AppendUvarint(b, uint64(len(p.LastSeen)))
	b = append(b, p.LastSeen...)
	b = binary.AppendUvarint(b, uint64(len(p.DistinctID)))
	k.head, k.end = b, offset+int64(len(p.Properties))
	if _, err := k.to.Write(b); err != nil {
		return err
	}
	_, err := k.to.WriteString(p.DistinctID)
	return err
}

// close ends writing.
func (k *keyFile) close() error { return errors.Join(k.to.Flush(), k.file.Close()) }

func (k *keyFile) remove() { _ = os.Remove(k.path) }

// open returns a reader of the profiles.
func (k *keyFile) open() (*keyReader, error) {
	f, err := os.Open(k.path)
	if err != nil {
		return nil, err
	}
	return &keyReader{file: f, from: bufio.NewReaderSize(f, keyFileBytes)}, nil
}

// keyReader reads a key file. Its fields describe the last profile read.
type keyReader struct {
	file *os.File
	from *bufio.Reader

	hash     int64
	gap      int64 // bytes of the page between the previous properties and these
	length   int64 // of the properties
	lastSeen []byte
	id       []byte
}

// next reads the next profile. After the last one it returns [io.EOF].
func (r *keyReader) next() error {
	if _, err := r.from.Peek(1); err != nil {
		return err
	}
	err := r.profile()
	if err != nil {
		return fmt.Errorf("the index of a page ends early: %s", err) //nolint:errorlint // it is not the end of the profiles
	}
	return nil
}

func (r *keyReader) profile() error {
	var hash [8]byte
	if _, err := io.ReadFull(r.from, hash[:]); err != nil {
		return err
	}
	r.hash = int64(binary.LittleEndian.Uint64(hash[:]))
	for _, n := range []*int64{&r.gap, &r.length} {
		v, err := binary.ReadUvarint(r.from)
		if err != nil {
			return err
		}
		*n = int64(v)
	}
	for _, text := range []*[]byte{&r.lastSeen, &r.id} {
		n, err := binary.ReadUvarint(r.from)
		if err != nil {
			return err
		}
		if *text, err = readInto(*text, r.from, int64(n)); err != nil {
			return err
		}
	}
	return nil
}

// readInto reads n bytes into b, which grows if necessary.
func readInto(b []byte, from io.Reader, n int64) ([]byte, error) {
	if int64(cap(b)) < n {
		b = make([]byte, n+n/4)
	}
	b = b[:n]
	_, err := io.ReadFull(from, b)
	return b, err
}

// indexedRows reads the profiles of a page as rows, with its key file.
type indexedRows struct {
	keys *keyReader
	key  [][]byte // values before each ID

	text       io.ReadCloser // of the page; nil to read only keys
	from       *bufio.Reader
	properties []byte
}

func (r *indexedRows) Next(row *storage.KeyedRow) error {
	err := r.keys.next()
	if err == io.EOF && r.text != nil { //nolint:errorlint // bufio returns it as it is
		if _, err := io.Copy(io.Discard, r.from); err != nil { // up to the checksum
			return err
		}
	}
	if err != nil {
		return err
	}
	row.Bad, row.Hashed, row.Hash = nil, true, r.keys.hash
	values := [][]byte{r.keys.id, nil, nil}
	if r.text != nil {
		if values[1], err = r.read(); err != nil {
			return fmt.Errorf("a page has changed in the spool: %s", err) //nolint:errorlint // it is not the end of the profiles
		}
		values[2] = filled(r.keys.lastSeen)
	}
	copy(row.Values[copy(row.Values, r.key):], values)
	return nil
}

// read returns the properties of the profile.
func (r *indexedRows) read() (_ []byte, err error) {
	if _, err = r.from.Discard(int(r.keys.gap)); err != nil {
		return nil, err
	}
	if r.properties, err = readInto(r.properties, r.from, r.keys.length); err != nil {
		return nil, err
	}
	if len(r.properties) == 0 {
		return noProperties, nil
	}
	return r.properties, nil
}

func (r *indexedRows) Close() error {
	if r.text == nil {
		return r.keys.file.Close()
	}
	return errors.Join(r.keys.file.Close(), r.text.Close())
}
