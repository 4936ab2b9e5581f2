/* The plugin interface: ops of your own in a shared object, for `--plugin my_ops.so`.
 *
 * Plain C, so that a plugin built with any compiler fits; it links nothing of popaug. Export
 * popaug_plugin_entry() and compile:
 *   c++ -O2 -fPIC -shared my_ops.cc -o my_ops.so
 * docs/formats/plugin.md explains each field; examples/own_op is a whole one. `popaug ops --check
 * --plugin my_ops.so` runs the checks that the built-in ops pass.
 */
#ifndef POPAUG_AUGMENT_PLUGIN_H_
#define POPAUG_AUGMENT_PLUGIN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever anything below changes; popaug refuses a plugin of another number. */
#define POPAUG_PLUGIN_ABI 1u

/* Draws of the image at hand: a pure function of seed, member, epoch and sample. */
typedef struct popaug_random {
  uint32_t (*below)(void* state, uint32_t n); /* uniform in 0 .. n-1, n >= 1 */
  double (*uniform)(void* state);             /* uniform in [0, 1) */
  void* state;
} popaug_random;

/* One image for an op to change in place. Nothing here outlives the call. */
typedef struct popaug_call {
  uint8_t* pixels;    /* RGBA, row-major, no padding: pixel (x, y) at pixels[4 * (y * width + x)] */
  int32_t width;      /* 1 .. 16384 */
  int32_t height;     /* 1 .. 16384 */
  double value;       /* the level's value with its sign, within low .. high */
  int32_t black_fill; /* where the op uncovers pixels: 0 holes (0, 0, 0, 0), 1 (0, 0, 0, 255) */
  int32_t grey;       /* 1: the channels are equal, and must stay so */
  const popaug_random* random; /* only for ops with POPAUG_OP_DRAWS */
} popaug_call;

enum {
  POPAUG_OP_USES_VALUE = 1,   /* else the level is ignored */
  POPAUG_OP_MIRRORS = 2,      /* a negative value is meaningful */
  POPAUG_OP_DRAWS = 4,        /* uses call->random */
  POPAUG_OP_KEEPS_GREY = 8,   /* cannot change an image whose channels are equal */
  POPAUG_OP_HAS_IDENTITY = 16 /* `identity` is a value that changes no pixel */
};

typedef struct popaug_op {
  const char* name; /* letters, digits, - and _; starts with a letter; unknown to popaug so far */
  const char* summary; /* one line for tables */
  const char* unit;    /* "degrees", "px", "factor", ..., "" when the level is ignored */
  uint32_t flags;      /* POPAUG_OP_... */
  double low, high;    /* the values that the op accepts, sign included */
  double identity;     /* with POPAUG_OP_HAS_IDENTITY */
  /* Changes the image; 0 is success, anything else ends the run with an error that names the op
   * and the number. Called from several threads at once: keep no state, throw nothing. */
  int32_t (*apply)(const popaug_call* call);
} popaug_op;

typedef struct popaug_plugin {
  uint32_t abi;         /* POPAUG_PLUGIN_ABI */
  uint32_t op_size;     /* sizeof(popaug_op) */
  const char* name;     /* of the plugin, for messages */
  const char* version;  /* your own; recorded with what was searched */
  size_t op_count;      /* 1 .. 256 */
  const popaug_op* ops; /* lives as long as the process */
} popaug_plugin;

/* The one symbol that popaug looks up. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const popaug_plugin*
popaug_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif /* POPAUG_AUGMENT_PLUGIN_H_ */
