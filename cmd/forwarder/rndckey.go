package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/rndcconf"
)

// keyGroup is who may read the key beside root: named's, and ours.
const keyGroup = "named"

// writeKey makes the key file that is named, or the one that rndc and named look
// for by themselves. args is what follows the flags: the file, and more flags.
func (f *rndcFlags) writeKey(args []string, stdout io.Writer) error {
	path := rndcconf.KeyFile()
	if len(args) > 0 {
		path = args[0]
		if err := f.set.Parse(args[1:]); err != nil {
			return err
		}
		if f.set.NArg() > 0 {
			return fmt.Errorf("--make-key takes one file, not '%s' too", f.set.Arg(0))
		}
	}
	name := "rndc-key"
	if f.set.Changed("key-file") {
		name = f.keyFile
	}
	text, err := keyText(name, f.algorithm)
	if err != nil {
		return err
	}
	if err := placeKey(path, text, f.force); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "wrote key file \"%s\"\n", path)
	return nil
}

// keyText is a key statement with a new secret.
func keyText(name, algorithm string) (string, error) {
	a, err := rndc.ParseAlgorithm(algorithm)
	if err != nil {
		return "", err
	}
	if nameFault(name) != rndc.Success {
		return "", fmt.Errorf("key name '%s' is no domain name", name)
	}
	secret := make([]byte, a.Size())
	rand.Read(secret) // never fails
	return fmt.Sprintf("key %q {\n\talgorithm %s;\n\tsecret \"%s\";\n};\n", name, a, base64.StdEncoding.EncodeToString(secret)), nil
}

// placeKey writes the file whole or not at all, readable for nobody else at any
// time.
func placeKey(path, text string, force bool) (err error) {
	w, err := os.CreateTemp(filepath.Dir(path), ".rndc-key-")
	if err != nil {
		return fmt.Errorf("create keyfile: %w", err)
	}
	defer os.Remove(w.Name())
	_, err = w.WriteString(text)
	if err = errors.Join(err, shareKey(w), w.Sync(), w.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if force {
		return os.Rename(w.Name(), path)
	}
	if err := os.Link(w.Name(), path); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and stays as it is; --force replaces it", path)
	} else if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// shareKey lets named's group read the file, where there is such a group and we
// may give it.
func shareKey(w *os.File) error {
	g, err := user.LookupGroup(keyGroup)
	if err != nil || os.Geteuid() != 0 {
		return nil
	}
	id, err := strconv.Atoi(g.Gid)
	if err != nil {
		return err
	}
	return errors.Join(w.Chown(0, id), w.Chmod(0o640))
}
