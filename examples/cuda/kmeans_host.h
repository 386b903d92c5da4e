// What the two versions of the example have in common: reading zip codes, choosing the first centres,
// measuring time and writing the result. Valid C11 and C++17.
#ifndef VGPU_EXAMPLE_KMEANS_HOST_H
#define VGPU_EXAMPLE_KMEANS_HOST_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  int x, y;
} KmeansPosition;

typedef struct {
  unsigned long long x, y, points;
} KmeansSum;

/// Enough blocks to fill the device; the kernel's loop does the rest.
enum { KMEANS_BLOCK = 256, KMEANS_SUM_BLOCKS = 32, KMEANS_MAX_CLUSTERS = 1024 };

typedef struct {
  const char* name;
  double milliseconds;
  int times;
} KmeansStep;

enum { KMEANS_READ, KMEANS_COPY_IN, KMEANS_ASSIGN, KMEANS_SUM, KMEANS_MOVE, KMEANS_COPY_OUT, KMEANS_STEPS };

typedef struct {
  int point_count, cluster_count, round_limit;
  KmeansPosition* points;
  KmeansPosition* centres;
  int* assignment;
  int rounds, converged;
  char device[256];
  KmeansStep steps[KMEANS_STEPS];
} Kmeans;

/// Ends the program with a message on stderr.
__attribute__((noreturn, format(printf, 1, 2))) static inline void kmeans_fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("kmeans: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static inline void* kmeans_allocate(size_t count, size_t bytes) {
  void* memory = calloc(count ? count : 1, bytes);
  if (memory == NULL) kmeans_fail("out of memory");
  return memory;
}

static inline double kmeans_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/// Adds the time since `start` to a step and returns the present time, with which the next step starts.
static inline double kmeans_lap(Kmeans* kmeans, int step, double start) {
  const double now = kmeans_clock();
  kmeans->steps[step].milliseconds += now - start;
  kmeans->steps[step].times += 1;
  return now;
}

/// "-72.637078" → -72637078. Whole millionths of a degree, since the data has at most six digits after the
/// point.
static inline long kmeans_parse_degrees(const char* text, size_t line) {
  const int negative = *text == '-';
  const char* digit = text + negative;
  long value = 0;
  int decimals = -1;  // digits after the point; -1 before it
  for (; (*digit >= '0' && *digit <= '9') || (*digit == '.' && decimals < 0); ++digit) {
    if (*digit == '.') {
      decimals = 0;
    } else {
      value = value * 10 + (*digit - '0');
      if (decimals >= 0) ++decimals;
    }
    if (decimals > 6 || value > 1000000000) kmeans_fail("line %zu: '%s' has too many digits", line, text);
  }
  if (*digit != 0 || digit == text + negative) kmeans_fail("line %zu: '%s' is no coordinate", line, text);
  for (int filled = decimals < 0 ? 0 : decimals; filled < 6; ++filled) value *= 10;
  return negative ? -value : value;
}

/// Where a place lies on a flat map of the contiguous United States, in units of a millionth of a degree of
/// latitude (about 11 cm) from the south-western corner; 0.777 is the cosine of 39 degrees. Says whether it
/// is on the map.
static inline int kmeans_project(long latitude, long longitude, KmeansPosition* position) {
  if (latitude < 24000000 || latitude > 50000000 || longitude < -125000000 || longitude > -66000000) return 0;
  position->x = (int)((longitude + 125000000) * 777 / 1000);
  position->y = (int)(latitude - 24000000);
  return 1;
}

/// Reads the columns zip_code,latitude,longitude,… of a CSV file whose first three columns hold no quotes.
static inline void kmeans_read_points(Kmeans* kmeans, const char* path) {
  const double start = kmeans_clock();
  FILE* file = fopen(path, "r");
  if (file == NULL) kmeans_fail("cannot open %s: %s", path, strerror(errno));
  size_t capacity = 0, line_number = 0;
  char line[1024];
  while (fgets(line, sizeof line, file) != NULL) {
    if (++line_number == 1) {
      if (strncmp(line, "zip_code,latitude,longitude,", 28) != 0) kmeans_fail("%s has other columns", path);
      continue;
    }
    char* rest = line;
    strsep(&rest, ",");
    const char *latitude = strsep(&rest, ","), *longitude = strsep(&rest, ",");
    if (longitude == NULL) kmeans_fail("line %zu of %s has too few columns", line_number, path);
    KmeansPosition position;
    if (!kmeans_project(kmeans_parse_degrees(latitude, line_number),
                        kmeans_parse_degrees(longitude, line_number), &position)) {
      continue;  // Alaska, Hawaii, Puerto Rico, military post offices
    }
    if ((size_t)kmeans->point_count == capacity) {
      capacity = capacity ? capacity * 2 : 4096;
      kmeans->points = (KmeansPosition*)realloc(kmeans->points, capacity * sizeof *kmeans->points);
      if (kmeans->points == NULL) kmeans_fail("out of memory");
    }
    kmeans->points[kmeans->point_count++] = position;
  }
  if (ferror(file)) kmeans_fail("cannot read %s", path);
  fclose(file);
  kmeans_lap(kmeans, KMEANS_READ, start);
}

/// `arguments`: POINTS.csv RESULT.json CLUSTERS ROUNDS. The first centres are points at equal distances in
/// the file, which is ordered from the east coast to the west coast.
static inline void kmeans_prepare(Kmeans* kmeans, char** arguments) {
  static const char* const names[KMEANS_STEPS] = {"read the points", "copy to the device", "assign points",
                                                  "sum clusters",    "move centres",       "copy back"};
  memset(kmeans, 0, sizeof *kmeans);
  for (int step = 0; step < KMEANS_STEPS; ++step) kmeans->steps[step].name = names[step];
  kmeans->cluster_count = atoi(arguments[2]);
  kmeans->round_limit = atoi(arguments[3]);
  kmeans_read_points(kmeans, arguments[0]);
  if (kmeans->cluster_count < 1 || kmeans->cluster_count > KMEANS_MAX_CLUSTERS ||
      kmeans->cluster_count > kmeans->point_count || kmeans->round_limit < 1) {
    kmeans_fail("%s clusters of %d points in %s rounds make no sense", arguments[2], kmeans->point_count,
                arguments[3]);
  }
  kmeans->centres = (KmeansPosition*)kmeans_allocate((size_t)kmeans->cluster_count, sizeof *kmeans->centres);
  kmeans->assignment = (int*)kmeans_allocate((size_t)kmeans->point_count, sizeof *kmeans->assignment);
  for (int i = 0; i < kmeans->point_count; ++i) kmeans->assignment[i] = -1;
  for (int cluster = 0; cluster < kmeans->cluster_count; ++cluster) {
    kmeans->centres[cluster] =
        kmeans->points[(2 * (long long)cluster + 1) * kmeans->point_count / (2 * kmeans->cluster_count)];
  }
}

/// One line a round, for whoever shows progress.
static inline void kmeans_report_round(const Kmeans* kmeans, unsigned reassigned) {
  printf("round %d: %u points changed their cluster\n", kmeans->rounds, reassigned);
  fflush(stdout);
}

static inline void kmeans_write_string(FILE* file, const char* text) {
  fputc('"', file);
  for (; *text; ++text) {
    if (*text == '"' || *text == '\\') fputc('\\', file);
    if ((unsigned char)*text >= ' ') fputc(*text, file);
  }
  fputc('"', file);
}

static inline void kmeans_write_result(const Kmeans* kmeans, const char* path) {
  FILE* file = fopen(path, "w");
  if (file == NULL) kmeans_fail("cannot write %s: %s", path, strerror(errno));
  fputs("{\"device\": ", file);
  kmeans_write_string(file, kmeans->device);
  fprintf(file, ",\n \"rounds\": %d, \"converged\": %s,\n \"steps\": [", kmeans->rounds,
          kmeans->converged ? "true" : "false");
  for (int step = 0; step < KMEANS_STEPS; ++step) {
    fprintf(file, "%s\n  {\"name\": \"%s\", \"where\": \"%s\", \"times\": %d, \"milliseconds\": %.3f}",
            step ? "," : "", kmeans->steps[step].name, step == KMEANS_READ ? "host" : "device",
            kmeans->steps[step].times, kmeans->steps[step].milliseconds);
  }
  fputs("],\n \"centres\": [", file);
  for (int cluster = 0; cluster < kmeans->cluster_count; ++cluster) {
    fprintf(file, "%s[%d, %d]", cluster ? ", " : "", kmeans->centres[cluster].x, kmeans->centres[cluster].y);
  }
  fputs("],\n \"assignment\": [", file);
  for (int i = 0; i < kmeans->point_count; ++i) fprintf(file, "%s%d", i ? "," : "", kmeans->assignment[i]);
  fputs("]}\n", file);
  if (ferror(file) | fclose(file)) kmeans_fail("cannot write %s", path);
}

static inline void kmeans_release(Kmeans* kmeans) {
  free(kmeans->points);
  free(kmeans->centres);
  free(kmeans->assignment);
}

#endif
