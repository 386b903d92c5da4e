// Starts a program many times in each of several environments, in a random order, and prints for each how
// many microseconds of processor time the median start took:
//   start_bench COUNT PROGRAM ENVIRONMENT…
// An environment is words of the form NAME=value; the program has no other.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { MOST_VARIABLES = 16, MOST_ENVIRONMENTS = 16, MOST_STARTS = 100000 };

// Microseconds, or -1 when the program fails.
static double start(char* program, char** environment) {
  char* arguments[] = {program, NULL};
  pid_t process = 0;
  int status = -1;
  struct rusage used;
  if (posix_spawn(&process, program, NULL, NULL, arguments, environment) != 0) return -1;
  if (wait4(process, &status, 0, &used) != process || status != 0) return -1;
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static int compare(const void* one, const void* other) {
  const double difference = *(const double*)one - *(const double*)other;
  return (difference > 0) - (difference < 0);
}

// Each comes as often behind each other one: what that has left in the caches is part of the time.
static void shuffle(int* order, int count) {
  for (int i = count - 1; i > 0; --i) {
    const int other = rand() % (i + 1);  // NOLINT(cert-msc30-c,cert-msc50-cpp)
    const int held = order[i];
    order[i] = order[other];
    order[other] = held;
  }
}

static void split(char* words, char** environment) {
  size_t used = 0;
  char* rest = words;
  for (char* word = strtok_r(words, " ", &rest); word != NULL && used < MOST_VARIABLES;
       word = strtok_r(NULL, " ", &rest))
    environment[used++] = word;
  environment[used] = NULL;
}

int main(int count, char** arguments) {
  char* environments[MOST_ENVIRONMENTS][MOST_VARIABLES + 1];
  const int kinds = count - 3;
  const long starts = count > 3 ? strtol(arguments[1], NULL, 10) : 0;
  if (kinds < 1 || kinds > MOST_ENVIRONMENTS || starts < 1 || starts > MOST_STARTS) {
    (void)fprintf(stderr, "usage: start_bench COUNT PROGRAM ENVIRONMENT...\n");
    return 2;
  }
  double* times = calloc((size_t)(kinds * starts), sizeof(*times));
  if (times == NULL) return 1;
  int order[MOST_ENVIRONMENTS];
  for (int kind = 0; kind < kinds; ++kind) {
    order[kind] = kind;
    split(arguments[3 + kind], environments[kind]);
  }
  for (long i = 0; i < starts; ++i) {
    shuffle(order, kinds);
    for (int place = 0; place < kinds; ++place) {
      const int kind = order[place];
      const double time = start(arguments[2], environments[kind]);
      if (time < 0) {
        (void)fprintf(stderr, "%s failed\n", arguments[2]);
        free(times);
        return 1;
      }
      times[kind * starts + i] = time;
    }
  }
  for (int kind = 0; kind < kinds; ++kind) {
    qsort(times + kind * starts, (size_t)starts, sizeof(*times), compare);
    printf("%.1f\n", times[kind * starts + starts / 2]);
  }
  free(times);
  return 0;
}
