// SPDX-License-Identifier: Apache-2.0
#include "job/job.h"

enum { YEAR_FIRST = 2000, YEAR_LAST = 2099, FRACTION_DIGITS_MAX = 9 };

// The next `digits` digits; false when there are fewer.
static bool take_number(struct str *rest, size_t digits, int *number)
{
    *number = 0;
    if (rest->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (rest->p[i] < '0' || rest->p[i] > '9')
            return false;
        *number = *number * 10 + (rest->p[i] - '0');
    }
    *rest = (struct str){ rest->p + digits, rest->len - digits };
    return true;
}

static bool take_char(struct str *rest, char lower, char upper)
{
    if (!rest->len || (rest->p[0] != lower && rest->p[0] != upper))
        return false;
    *rest = (struct str){ rest->p + 1, rest->len - 1 };
    return true;
}

// ".5" to ".123456789"; what is finer than a millisecond is cut. Absent: 0.
static bool take_fraction(struct str *rest, int *ms)
{
    size_t digits = 0;
    *ms           = 0;
    if (!take_char(rest, '.', '.'))
        return true;
    for (int digit = 0; take_number(rest, 1, &digit); digits++)
        if (digits < 3)
            *ms = *ms * 10 + digit;
    for (size_t i = digits; i < 3; i++)
        *ms *= 10;
    return digits >= 1 && digits <= FRACTION_DIGITS_MAX;
}

// Z, or a sign with hours and minutes
static bool take_offset(struct str *rest, int *minutes)
{
    int hour   = 0;
    int minute = 0;
    *minutes   = 0;
    if (take_char(rest, 'z', 'Z'))
        return true;
    int sign = take_char(rest, '-', '-') ? -1 : take_char(rest, '+', '+') ? 1 : 0;
    if (!sign || !take_number(rest, 2, &hour) || !take_char(rest, ':', ':') ||
        !take_number(rest, 2, &minute))
        return false;
    *minutes = sign * (hour * 60 + minute);
    return hour <= 23 && minute <= 59;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool             leap   = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static int64_t days_since_1970(int year, int month, int day)
{
    int64_t days = day - 1;
    for (int y = 1970; y < year; y++)
        days += days_in_month(y, 2) == 29 ? 366 : 365;
    for (int m = 1; m < month; m++)
        days += days_in_month(year, m);
    return days;
}

static bool refuse(struct str text, struct error *err, const char *why)
{
    return error_set(err, ERR_INPUT, "\"%.*s\" %s", STR_ARG(str_utf8_prefix(text, 40)), why);
}

bool time_parse(struct str text, int64_t *ms, struct error *err)
{
    struct str rest     = text;
    int        year     = 0;
    int        month    = 0;
    int        day      = 0;
    int        hour     = 0;
    int        minute   = 0;
    int        second   = 0;
    int        fraction = 0;
    int        offset   = 0;
    bool       date     = take_number(&rest, 4, &year) && take_char(&rest, '-', '-') &&
                take_number(&rest, 2, &month) && take_char(&rest, '-', '-') &&
                take_number(&rest, 2, &day);
    bool time = date && take_char(&rest, 't', 'T') && take_number(&rest, 2, &hour) &&
                take_char(&rest, ':', ':') && take_number(&rest, 2, &minute) &&
                take_char(&rest, ':', ':') && take_number(&rest, 2, &second) &&
                take_fraction(&rest, &fraction);
    if (time && rest.len == 0)
        return refuse(text, err, "has no offset; end it with Z or one like +01:00");
    if (!time || !take_offset(&rest, &offset) || rest.len)
        return refuse(text, err, "is not a time like 2026-12-01T18:30:00+01:00");
    if (year < YEAR_FIRST || year > YEAR_LAST)
        return refuse(text, err, "has a year that is not 2000 to 2099");
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return refuse(text, err, "has a day that is not in the calendar");
    if (hour > 23 || minute > 59 || second > 59)
        return refuse(text, err, "has a time that is not on the clock");
    int64_t minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset;
    *ms             = (minutes * 60 + second) * 1000 + fraction;
    return true;
}
