package page

import "strconv"

var retryLine = []byte("retry: " + strconv.Itoa(retryAfter) + "\n\n")
