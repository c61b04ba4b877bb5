//go:build !linux

package main

import (
	"errors"
	"os"
)

func newMemory(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func seal(*os.File) error { return errors.ErrUnsupported }

func isSealed(*os.File) bool { return false }
