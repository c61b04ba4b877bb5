package namedconf

import "strings"

// Nearest returns the candidate that a misspelt word most likely means, and
// whether there is one: at most one letter in three is wrong, and two in all. The
// first of equals wins.
func Nearest(word string, candidates []string) (string, bool) {
	word = strings.ToLower(word)
	best, distance := "", min(2, len(word)/3)+1
	for _, c := range candidates {
		if d := editDistance(word, strings.ToLower(c), distance); d < distance {
			best, distance = c, d
		}
	}
	return best, best != ""
}

// editDistance counts the letters that are missing, too much, wrong, or changed
// with their neighbour, in a for b: limit if there are that many or more.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var before []int // the row before the last, for neighbours
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			wrong := 1
			if a[i] == b[j] {
				wrong = 0
			}
			row[j+1] = min(last[j]+wrong, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return min(last[len(b)], limit)
}
