package browser

import (
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"slices"
	"testing"
)

// shrink writes a PNG with 256 colours: a third of the octets.
func shrink(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	small, err := os.Create(path + ".new")
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(small, paletted(picture)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(small.Name(), path); err != nil {
		t.Fatal(err)
	}
}

// paletted keeps the most frequent colours, and of others the most frequent of each
// kind: those whose channels have the same first four bits.
func paletted(picture image.Image) *image.Paletted {
	const exact = 64
	bounds, counts := picture.Bounds(), map[color.RGBA]int{}
	each(bounds, func(x, y int) { counts[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++ })
	var palette color.Palette
	kinds := map[color.RGBA]bool{}
	for _, c := range slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return cmp.Compare(counts[b], counts[a]) }) {
		kind := color.RGBA{c.R &^ 15, c.G &^ 15, c.B &^ 15, 255}
		if len(palette) < exact || len(palette) < 256 && !kinds[kind] {
			palette = append(palette, c)
		}
		kinds[kind] = true
	}
	small := image.NewPaletted(bounds, palette)
	each(bounds, func(x, y int) { small.Set(x, y, picture.At(x, y)) })
	return small
}

func each(r image.Rectangle, f func(x, y int)) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			f(x, y)
		}
	}
}
