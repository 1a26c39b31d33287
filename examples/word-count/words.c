/* Counts the words of a text in three steps:
     words split N    /in/text      -> /out/part-0 ... /out/part-(N-1), cut between lines, about alike in size
     words count      /in/part      -> /out/counts, one "word count" a line, sorted by word
     words join       /in/counts/   -> /out/words, the sums, most often first, then by word
   A word is a run of ASCII letters, in lower case. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
  char *word;
  long count;
};

static struct entry *entries;
static size_t used, room;

static void fail(const char *what, const char *name) {
  fprintf(stderr, "%s %s\n", what, name);
  exit(1);
}

static FILE *must_open(const char *name, const char *mode) {
  FILE *file = fopen(name, mode);
  if (!file) fail("cannot open", name);
  return file;
}

static void must_close(FILE *file, const char *name) {
  if (ferror(file) || fclose(file)) fail("cannot write", name);
}

static void add(const char *word, long count) {
  if (used == room) {
    room = room ? room * 2 : 1024;
    entries = realloc(entries, room * sizeof *entries);
    if (!entries) fail("out of memory at", word);
  }
  entries[used].word = strdup(word);
  entries[used++].count = count;
}

static int by_word(const void *a, const void *b) {
  return strcmp(((const struct entry *)a)->word, ((const struct entry *)b)->word);
}

static int by_count(const void *a, const void *b) {
  const struct entry *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  return strcmp(x->word, y->word);
}

/* Sorts by word and adds equal words up. */
static void sum(void) {
  qsort(entries, used, sizeof *entries, by_word);
  size_t kept = 0;
  for (size_t i = 0; i < used; i++) {
    if (kept > 0 && strcmp(entries[kept - 1].word, entries[i].word) == 0)
      entries[kept - 1].count += entries[i].count;
    else
      entries[kept++] = entries[i];
  }
  used = kept;
}

static void write_all(const char *name) {
  FILE *out = must_open(name, "w");
  for (size_t i = 0; i < used; i++) fprintf(out, "%s %ld\n", entries[i].word, entries[i].count);
  must_close(out, name);
  printf("%zu words\n", used);
}

static void split(int parts) {
  FILE *in = must_open("/in/text", "r");
  fseek(in, 0, SEEK_END);
  long size = ftell(in);
  rewind(in);
  static char line[65536];
  for (int i = 0; i < parts; i++) {
    char name[32];
    snprintf(name, sizeof name, "/out/part-%d", i);
    FILE *out = must_open(name, "w");
    while (ftell(in) < (long long)size * (i + 1) / parts && fgets(line, sizeof line, in)) fputs(line, out);
    must_close(out, name);
  }
  printf("%ld bytes in %d parts\n", size, parts);
}

static void count(void) {
  FILE *in = must_open("/in/part", "r");
  char word[256];
  size_t length = 0;
  for (int c;;) {
    c = getc(in);
    if (c != EOF && isalpha(c)) {
      if (length < sizeof word - 1) word[length++] = (char)tolower(c);
      continue;
    }
    if (length > 0) {
      word[length] = 0;
      add(word, 1);
      length = 0;
    }
    if (c == EOF) break;
  }
  sum();
  write_all("/out/counts");
}

static void join(void) {
  DIR *folder = opendir("/in/counts");
  if (!folder) fail("cannot open", "/in/counts");
  for (struct dirent *item; (item = readdir(folder));) {
    if (item->d_name[0] == '.') continue;
    char name[512], word[256];
    snprintf(name, sizeof name, "/in/counts/%s/counts", item->d_name);
    FILE *in = must_open(name, "r");
    for (long times; fscanf(in, "%255s %ld", word, &times) == 2;) add(word, times);
    fclose(in);
  }
  closedir(folder);
  sum();
  qsort(entries, used, sizeof *entries, by_count);
  write_all("/out/words");
}

int main(int argc, char **argv) {
  const char *step = argc > 1 ? argv[1] : "";
  int parts = argc > 2 ? atoi(argv[2]) : 0;
  if (strcmp(step, "split") == 0 && parts > 0)
    split(parts);
  else if (strcmp(step, "count") == 0)
    count();
  else if (strcmp(step, "join") == 0)
    join();
  else
    fail("usage: words split N | count | join, not", step);
  return 0;
}
