package image

import (
	"fmt"
	"image"
	"image/color"
	"strings"
)

// alphabet is what each character looks like in pictures of a console, learned
// from the pictures themselves: nothing is known of the font beforehand.
type alphabet struct {
	glyphs map[rune]string // by character
	names  map[string]rune // and back
}

func newAlphabet() *alphabet {
	return &alphabet{map[rune]string{' ': ""}, map[string]rune{"": ' '}}
}

// read says whether a picture shows lines of text. It does when every character
// has the same look wherever it stands, and no other has it: a picture of another
// text could not. A blank is what has no light in it. What was learned counts for
// the pictures that come; a picture that is refused teaches nothing.
func (a *alphabet) read(picture image.Image, lines []string) error {
	learned := newAlphabet()
	for r, g := range a.glyphs {
		learned.glyphs[r], learned.names[g] = g, r
	}
	width := cellWidth(picture)
	for row := range rows {
		text := []rune(lines[row] + strings.Repeat(" ", columns))
		for col := range columns {
			if row == rows-1 && col == len(lines[row]) {
				continue // the cursor rests there, and blinks
			}
			if err := learned.learn(text[col], glyph(picture, col*width, row*cellHeight, width)); err != nil {
				return fmt.Errorf("line %d, column %d of %q: %w", row+1, col+1, lines[row], err)
			}
		}
	}
	*a = *learned
	return nil
}

func (a *alphabet) learn(r rune, look string) error {
	if other, known := a.names[look]; known && other != r {
		return fmt.Errorf("the picture shows %q, the serial line %q", other, r)
	}
	if g, known := a.glyphs[r]; known && g != look {
		return fmt.Errorf("the picture does not show %q, as the serial line does", r)
	}
	a.glyphs[r], a.names[look] = look, r
	return nil
}

const cellHeight = 16

// cellWidth is that of VGA's own text, which has a column between the characters,
// or of the kernel's on a frame buffer.
func cellWidth(picture image.Image) int {
	if picture.Bounds().Dx() == 9*columns {
		return 9
	}
	return 8
}

// glyph is where a cell has light; "" when nowhere.
func glyph(picture image.Image, x, y, width int) string {
	var b strings.Builder
	for i := range cellHeight {
		for j := range width {
			bit := byte('.')
			if color.GrayModel.Convert(picture.At(x+j, y+i)).(color.Gray).Y > 64 {
				bit = '#'
			}
			b.WriteByte(bit)
		}
	}
	if !strings.Contains(b.String(), "#") {
		return ""
	}
	return b.String()
}
