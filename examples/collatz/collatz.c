/*
 * collatz RANGE.txt OUT.txt
 *
 * Follows each number of a range, `FROM TO` in RANGE.txt, by the Collatz rule (halve the even, triple the odd and add one)
 * until it comes to 1, and writes which took the most steps and how many all took together.
 *
 * It takes long, so it keeps how far it came: each time it has followed another EVERY numbers it writes /state/progress.new
 * and renames it to /state/progress. Started again, here or on another machine, it goes on from there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS "/state/progress"
#define EVERY 250000

typedef struct {
  /* The next number to follow. */
  uint64_t next;
  uint64_t longest;
  uint64_t most_steps;
  uint64_t all_steps;
} Progress;

static void fail(const char *what, const char *which) {
  fprintf(stderr, "collatz: %s: %s\n", which, what);
  exit(1);
}

static void read_range(const char *path, uint64_t *from, uint64_t *to) {
  FILE *file = fopen(path, "r");
  if (!file) fail("cannot be read", path);
  if (fscanf(file, "%" SCNu64 " %" SCNu64, from, to) != 2 || *from < 1 || *to < *from) fail("is not \"FROM TO\"", path);
  fclose(file);
}

/* Where an earlier start came to, or the beginning. What is there is whole: it got its name by a rename. */
static Progress read_progress(uint64_t from, uint64_t to) {
  Progress at = {from, from, 0, 0};
  FILE *file = fopen(PROGRESS, "r");
  if (!file) return at;
  int read = fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &at.next, &at.longest, &at.most_steps,
                    &at.all_steps);
  if (read != 4 || at.next < from || at.next > to + 1) fail("is not mine", PROGRESS);
  fclose(file);
  return at;
}

static void write_line(const char *path, const Progress *at) {
  FILE *file = fopen(path, "w");
  if (!file) fail(strerror(errno), path);
  fprintf(file, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", at->next, at->longest, at->most_steps, at->all_steps);
  if (fclose(file) != 0) fail(strerror(errno), path);
}

static void keep(const Progress *at) {
  write_line(PROGRESS ".new", at);
  if (rename(PROGRESS ".new", PROGRESS) != 0) fail(strerror(errno), PROGRESS);
}

static uint64_t steps_of(uint64_t number) {
  uint64_t steps = 0;
  for (; number != 1; steps++) number = number % 2 == 0 ? number / 2 : 3 * number + 1;
  return steps;
}

int main(int argc, char **argv) {
  if (argc != 3) fail("wants RANGE.txt OUT.txt", "arguments");
  uint64_t from, to;
  read_range(argv[1], &from, &to);
  Progress at = read_progress(from, to);
  while (at.next <= to) {
    uint64_t steps = steps_of(at.next);
    at.all_steps += steps;
    if (steps > at.most_steps) {
      at.most_steps = steps;
      at.longest = at.next;
    }
    at.next++;
    if ((at.next - from) % EVERY == 0) keep(&at);
  }
  FILE *out = fopen(argv[2], "w");
  if (!out) fail(strerror(errno), argv[2]);
  fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", from, to, at.longest, at.most_steps,
          at.all_steps);
  if (fclose(out) != 0) fail(strerror(errno), argv[2]);
  printf("%" PRIu64 " to %" PRIu64 ": %" PRIu64 " takes %" PRIu64 " steps\n", from, to, at.longest, at.most_steps);
  return 0;
}
