# SPDX-License-Identifier: Apache-2.0
"""The quick part of test_unsure.py: one of each kind."""
from test_unsure import effect_without_answer


def test_of_sixteen_lost_answers_each_that_is_listed_is_found_and_the_rest_is_held():
    effect_without_answer(16)
