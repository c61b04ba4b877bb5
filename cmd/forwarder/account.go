package main

import (
	"fmt"
	"os/user"
	"path/filepath"
	"strconv"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
)

// account is a user as the kernel knows it.
type account struct {
	name     string
	uid, gid int
	groups   []int
}

func lookupAccount(name string) (account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return account{}, fmt.Errorf("looking up user %s: %w", name, err)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return account{}, fmt.Errorf("looking up the groups of user %s: %w", name, err)
	}
	a := account{name: name}
	// On Unix these are decimal numbers, says os/user.
	a.uid, _ = strconv.Atoi(u.Uid)
	a.gid, _ = strconv.Atoi(u.Gid)
	for _, id := range ids {
		gid, _ := strconv.Atoi(id)
		a.groups = append(a.groups, gid)
	}
	return a, nil
}

// giveUpRoot becomes the user of -u. When it has to it does not return: the
// program starts anew as that user.
func giveUpRoot(f *flags) error {
	if f.user == "" {
		return nil
	}
	a, err := lookupAccount(f.user)
	if err != nil {
		return err
	}
	if must, err := canBecome(a); err != nil || !must {
		keepName()
		return err
	}
	if path := f.watch.stateFile; path != "" {
		_ = host.GiveDir(path, a.uid, a.gid)
	}
	// What is wrong with the configuration will be said by the next start.
	if cfg, _, err := config.Load(f.config); err == nil {
		a.makeDirs(cfg)
	}
	return a.become()
}

// makeDirs makes the missing directories of the log files and of the pid file,
// which the account itself may not be allowed to, and gives them to it. Those of
// a path that others can lead elsewhere are not made. The next start tells what
// it misses: no log is worth to answer nothing.
func (a account) makeDirs(c *config.Config) {
	for _, path := range writtenFiles(c) {
		_ = host.GiveDir(path, a.uid, a.gid)
	}
}

// writtenFiles are the files that the configuration has written.
func writtenFiles(c *config.Config) (paths []string) {
	add := func(path string) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(c.Directory, path)
		}
		paths = append(paths, path)
	}
	if c.PidFile != "" {
		add(c.PidFile)
	}
	for _, ch := range c.Logging.Channels {
		if ch.Kind == logging.File {
			add(ch.Path)
		}
	}
	return paths
}
