// Reading spaces whose ops this process does not know, for viewers: they show names and values and
// apply nothing.
#ifndef POPAUG_AUGMENT_UNKNOWN_OPS_H_
#define POPAUG_AUGMENT_UNKNOWN_OPS_H_

namespace popaug {

// While one exists, spaces read by this thread may name unknown ops (of a plugin that is not
// loaded, or of a Python program). Their values are not checked, and an Augmenter over such a space
// throws Error. Nestable.
class AcceptUnknownOps {
 public:
  AcceptUnknownOps();
  ~AcceptUnknownOps();
  AcceptUnknownOps(const AcceptUnknownOps&) = delete;
  AcceptUnknownOps& operator=(const AcceptUnknownOps&) = delete;

  // Whether one exists in this thread.
  static bool active();
};

}  // namespace popaug

#endif  // POPAUG_AUGMENT_UNKNOWN_OPS_H_
