/* Each pointer of struct sprint_dl has exactly the type of the function it stands for. */
#include <sprint_dl.h>

#define SAME(ret, name, params)                                                                    \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&name),                                 \
                                                __typeof__(((struct sprint_dl *)0)->name)),        \
                   #name);
SPRINT_FUNCTIONS(SAME)
