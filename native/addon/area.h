/* area.h - memory that this process and one other see, through which large bodies pass. What JavaScript can call of it is area_calls. */
#ifndef DLSERVE_AREA_H
#define DLSERVE_AREA_H

#include "environment.h"

extern const exported area_calls[];

#endif
