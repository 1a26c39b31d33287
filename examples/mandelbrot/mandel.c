/*
 * mandel TILE.json OUT.ppm
 *
 * Draws one tile of the Mandelbrot set: reads which part from TILE.json and the colours from /in/palette.txt, writes a
 * picture (binary PPM, which says in a comment where in the whole it belongs) and one line of figures to stdout.
 * Plain C and WASI: the same bytes come out on every machine, so two workers can check each other.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PALETTE "/in/palette.txt"
#define MAX_STOPS 32
#define MAX_SIDE 4096
/* Points a pixel is averaged over, each way: hides the jagged edges. */
#define SAMPLES 2
/* Squared. Far outside, so that the smooth count below has no visible steps. */
#define ESCAPE 65536.0

typedef struct {
  double row, column, left, top, step, width, height, iterations;
} Tile;

typedef struct {
  double at, red, green, blue;
} Colour;

static Colour stops[MAX_STOPS];
static int stop_count;

static void fail(const char *what, const char *which) {
  fprintf(stderr, "mandel: %s: %s\n", which, what);
  exit(1);
}

static double *field_of(Tile *tile, const char *name) {
  struct {
    const char *name;
    double *value;
  } fields[] = {
      {"row", &tile->row},     {"column", &tile->column}, {"left", &tile->left},     {"top", &tile->top},
      {"step", &tile->step},   {"width", &tile->width},   {"height", &tile->height}, {"iterations", &tile->iterations},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (strcmp(fields[i].name, name) == 0) return fields[i].value;
  return NULL;
}

/* One flat object of numbers, each known field exactly once: what tiles.mjs writes. */
static Tile read_tile(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) fail("cannot be read", path);
  Tile tile;
  char name[16], next[2] = "";
  int seen = 0;
  if (fscanf(file, " %1[{]", next) != 1) fail("is not a JSON object", path);
  do {
    double value;
    if (fscanf(file, " \"%15[a-z]\" : %lf", name, &value) != 2) fail("has something that is no \"name\": number", path);
    double *field = field_of(&tile, name);
    if (!field) fail("has a field that is not known", path);
    *field = value;
    seen++;
  } while (fscanf(file, " %1[,]", next) == 1);
  if (fscanf(file, " %1[}]", next) != 1) fail("has no closing brace", path);
  if (seen != sizeof tile / sizeof(double)) fail("does not have each field once", path);
  fclose(file);
  if (!(tile.width >= 1 && tile.width <= MAX_SIDE && tile.height >= 1 && tile.height <= MAX_SIDE))
    fail("is not between 1 and 4096 pixels wide and high", path);
  if (!(tile.iterations >= 1 && tile.iterations <= 1e6)) fail("does not have 1 to 1000000 iterations", path);
  return tile;
}

/* Lines of "position red green blue", positions rising from 0 to 1; a line starting with # is a remark. */
static void read_palette(void) {
  FILE *file = fopen(PALETTE, "r");
  if (!file) fail("cannot be read", PALETTE);
  char line[256];
  while (fgets(line, sizeof line, file)) {
    if (line[0] == '#' || line[0] == '\n') continue;
    if (stop_count == MAX_STOPS) fail("has more than 32 colours", PALETTE);
    Colour *stop = &stops[stop_count++];
    if (sscanf(line, "%lf %lf %lf %lf", &stop->at, &stop->red, &stop->green, &stop->blue) != 4)
      fail("has a line that is not four numbers", PALETTE);
    if (stop_count > 1 && stop->at <= stop[-1].at) fail("has positions that do not rise", PALETTE);
  }
  fclose(file);
  if (stop_count < 2 || stops[0].at != 0 || stops[stop_count - 1].at != 1) fail("does not reach from 0 to 1", PALETTE);
}

/* The colour at `position` along the palette, which repeats. */
static Colour colour_at(double position) {
  double at = position - floor(position);
  int i = 1;
  while (i < stop_count - 1 && stops[i].at < at) i++;
  Colour a = stops[i - 1], b = stops[i];
  double part = (at - a.at) / (b.at - a.at);
  return (Colour){at, a.red + part * (b.red - a.red), a.green + part * (b.green - a.green),
                  a.blue + part * (b.blue - a.blue)};
}

/*
 * How many steps the point takes to leave, with a fraction that makes the count smooth, or -1 if it stays.
 * A point that comes back to where it was earlier stays for ever: looking for that (Brent, 1980) spares most of the work inside.
 */
static double steps_to_leave(double cx, double cy, long iterations, unsigned long long *steps_done) {
  double x = 0, y = 0, old_x = 0, old_y = 0;
  long next_mark = 8;
  for (long n = 0; n < iterations; n++) {
    double xx = x * x, yy = y * y;
    if (xx + yy > ESCAPE) {
      *steps_done += (unsigned long long)n;
      return (double)n + 1 - log2(log(xx + yy) / 2);
    }
    y = 2 * x * y + cy;
    x = xx - yy + cx;
    if (x == old_x && y == old_y) {
      *steps_done += (unsigned long long)n;
      return -1;
    }
    if (n == next_mark) old_x = x, old_y = y, next_mark *= 2;
  }
  *steps_done += (unsigned long long)iterations;
  return -1;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: mandel TILE.json OUT.ppm\n");
    return 2;
  }
  Tile tile = read_tile(argv[1]);
  read_palette();
  int width = (int)tile.width, height = (int)tile.height;
  unsigned char *pixels = malloc((size_t)width * (size_t)height * 3);
  if (!pixels) fail("does not fit into memory", argv[1]);

  unsigned long long steps_done = 0;
  long inside = 0;
  for (int py = 0; py < height; py++) {
    for (int px = 0; px < width; px++) {
      double red = 0, green = 0, blue = 0;
      for (int sample = 0; sample < SAMPLES * SAMPLES; sample++) {
        double x = px + (sample % SAMPLES + 0.5) / SAMPLES, y = py + (sample / SAMPLES + 0.5) / SAMPLES;
        double steps =
            steps_to_leave(tile.left + x * tile.step, tile.top - y * tile.step, (long)tile.iterations, &steps_done);
        if (steps < 0) {
          inside++;
          continue;
        }
        /* The square root: colours change quickly where few steps are taken and stay apart where many are. */
        Colour colour = colour_at(sqrt(steps) / 8);
        red += colour.red, green += colour.green, blue += colour.blue;
      }
      unsigned char *pixel = pixels + 3 * ((size_t)py * (size_t)width + (size_t)px);
      pixel[0] = (unsigned char)(red / (SAMPLES * SAMPLES) + 0.5);
      pixel[1] = (unsigned char)(green / (SAMPLES * SAMPLES) + 0.5);
      pixel[2] = (unsigned char)(blue / (SAMPLES * SAMPLES) + 0.5);
    }
  }

  FILE *out = fopen(argv[2], "wb");
  if (!out) fail("cannot be written", argv[2]);
  fprintf(out, "P6\n# row %d column %d\n%d %d\n255\n", (int)tile.row, (int)tile.column, width, height);
  size_t size = (size_t)width * (size_t)height * 3;
  if (fwrite(pixels, 1, size, out) != size || fclose(out) != 0) fail("cannot be written", argv[2]);
  printf("row %d column %d: %llu steps, %ld of %d points inside\n", (int)tile.row, (int)tile.column, steps_done, inside,
         width * height * SAMPLES * SAMPLES);
  return 0;
}
