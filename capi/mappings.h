/* Room for the mappings that the Go runtime needs for itself.
 *
 * A Go program that is refused a mapping for its heap or a thread ends itself, and the
 * host with it. A host can bring that about by using up vm.max_map_count. So a few
 * mappings are held in reserve; before a call that makes Go allocate for a secret it is
 * tried whether there is room, and if not, the reserve is given up for Go and the call
 * is refused where that is possible. */
#ifndef SPRINT_MAPPINGS_H
#define SPRINT_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the process may still map; if not, Go has what was in reserve. */
bool sprint_mappings_spare(void);

/* Whether there is address space for Go to grow its heap by bytes (RLIMIT_AS). Asked before
 * calls that keep as much as the host says. The kernel is asked once for a MiB of such calls and
 * not for each, which would cost more than to seal a secret: between two questions the host may
 * use up what was found, and Go then ends the process as if nobody had asked. */
bool sprint_mappings_room(size_t bytes);

/* Whether there is room for so many bytes and a step of Go's heap now. */
bool sprint_mappings_probe(size_t bytes);

#ifdef _WIN32
#define NO_ROOM "no memory to commit"
#else
#define NO_ROOM "no address space to spare (RLIMIT_AS)"
#endif

#endif
