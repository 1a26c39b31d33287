/*
 * waits LOG.swf OUT.csv
 *
 * Counts how long the jobs of a batch log (Standard Workload Format 2.2) waited before they started, by the number of
 * processors they asked for. OUT.csv has a line `size,wait_s,jobs` for each wait that occurred: counts of several logs can
 * be added up, so any mean or percentile of the whole is exact. One line of figures goes to stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 18, WAIT = 2, PROCESSORS_ASKED = 7, MAX_LINE = 512 };

static const struct {
  long up_to;
  const char *name;
} SIZES[] = {{1, "1"}, {8, "2-8"}, {32, "9-32"}, {1L << 30, "33+"}};

typedef struct {
  int size;
  long wait;
} Start;

typedef struct {
  Start *all;
  size_t count, room;
} Starts;

static void fail(const char *path, long line, const char *what) {
  fprintf(stderr, "waits: %s line %ld: %s\n", path, line, what);
  exit(1);
}

static int size_of(long processors) {
  int size = 0;
  while (processors > SIZES[size].up_to) size++;
  return size;
}

static void add(Starts *starts, Start start) {
  if (starts->count == starts->room) {
    starts->room = starts->room ? 2 * starts->room : 1024;
    starts->all = realloc(starts->all, starts->room * sizeof(Start));
    if (!starts->all) {
      fprintf(stderr, "waits: not enough memory for %zu jobs\n", starts->room);
      exit(1);
    }
  }
  starts->all[starts->count++] = start;
}

/* A job whose wait or size is unknown (-1) says nothing about waiting and is left out. */
static Starts read_log(const char *path, long *unknown) {
  FILE *file = fopen(path, "r");
  if (!file) fail(path, 0, "cannot be read");
  Starts starts = {0};
  char line[MAX_LINE];
  for (long number = 1; fgets(line, sizeof line, file); number++) {
    if (!strchr(line, '\n') && !feof(file)) fail(path, number, "is longer than 511 characters");
    if (line[0] == ';' || line[strspn(line, " \t\r\n")] == 0) continue;
    double fields[FIELDS];
    char *at = line, *end;
    for (int i = 0; i < FIELDS; i++, at = end) {
      fields[i] = strtod(at, &end);
      if (end == at) fail(path, number, "does not have 18 numbers");
    }
    if (at[strspn(at, " \t\r\n")] != 0) fail(path, number, "has more than 18 numbers");
    long wait = (long)fields[WAIT], processors = (long)fields[PROCESSORS_ASKED];
    if (wait < 0 || processors < 1)
      ++*unknown;
    else
      add(&starts, (Start){size_of(processors), wait});
  }
  fclose(file);
  return starts;
}

static int by_size_then_wait(const void *a, const void *b) {
  const Start *x = a, *y = b;
  if (x->size != y->size) return x->size - y->size;
  return (x->wait > y->wait) - (x->wait < y->wait);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: waits LOG.swf OUT.csv\n");
    return 2;
  }
  long unknown = 0, longest = 0;
  Starts starts = read_log(argv[1], &unknown);
  qsort(starts.all, starts.count, sizeof(Start), by_size_then_wait);

  FILE *out = fopen(argv[2], "w");
  if (!out) fail(argv[2], 0, "cannot be written");
  fprintf(out, "size,wait_s,jobs\n");
  for (size_t from = 0, to; from < starts.count; from = to) {
    Start start = starts.all[from];
    for (to = from; to < starts.count && by_size_then_wait(&starts.all[to], &start) == 0;) to++;
    fprintf(out, "%s,%ld,%zu\n", SIZES[start.size].name, start.wait, to - from);
    if (start.wait > longest) longest = start.wait;
  }
  if (ferror(out) || fclose(out) != 0) fail(argv[2], 0, "cannot be written");
  printf("%zu jobs, longest wait %ld s, %ld left out\n", starts.count, longest, unknown);
  return 0;
}
